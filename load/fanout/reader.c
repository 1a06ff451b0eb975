// The screens of the fan-out bench: one thread, epoll, as many sockets as asked for.
//
// It does the least that a client can do (find the version in each frame, note when it came), so that
// on its own core it is never what is measured; it tells how much of that core it used.
//
//   reader ws|nats PORT SOCKETS DEAF PATH HELLO READY FILE
//
// HELLO is sent after the handshake ("" for none); a socket is open when READY has come ("" at the
// handshake). The last DEAF sockets are never read from once they are open. It says "open SECONDS" on
// stdout, then "all VERSION" whenever every socket that reads has that version, until "stop" comes on
// stdin: then it writes its records to FILE (struct record, little-endian) and a line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, IN_FLIGHT = 256, VERSIONS_MOST = 1 << 20 };
enum state { IDLE, CONNECTING, SHAKING, GREETED, OPEN };

struct screen {
    int fd;
    enum state state;
    uint32_t last;  // the version it has
    uint32_t kept;  // bytes of an unfinished message at the head of `rest`
    char *rest;
    uint32_t room;
};

struct record {
    uint64_t at_ns;
    uint32_t socket, after, version, pad;
};

static struct screen *screens;
static struct record *records;
static size_t recorded, record_room;
static uint32_t *arrived;  // how many sockets have each version, as the one they were just given
static int count, deaf, port, epoll, opened, is_nats;
static const char *path, *hello, *ready;
static uint64_t lost, repeated, began_ns, bytes_read;

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void connect_next(int number) {
    struct screen *it = &screens[number];
    it->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (it->fd < 0) die("socket");
    if (number >= count - deaf) {
        int small = 4096;
        setsockopt(it->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(it->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect");
    it->state = CONNECTING;
    struct epoll_event want = {.events = EPOLLOUT, .data.u32 = (uint32_t)number};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, it->fd, &want)) die("epoll_ctl");
}

static void put(struct screen *it, const char *text, size_t length) {
    if (send(it->fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) die("send");
}

static void begin_handshake(int number) {
    struct screen *it = &screens[number];
    struct epoll_event want = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, it->fd, &want)) die("epoll_ctl");
    it->state = SHAKING;
    if (is_nats) return;  // the server speaks first
    char text[512];
    int length = snprintf(text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path);
    put(it, text, (size_t)length);
}

static void greet(struct screen *it) {
    size_t length = strlen(hello);
    it->state = GREETED;
    if (!length) return;
    if (is_nats) {
        put(it, hello, length);
        return;
    }
    char frame[600];
    size_t head = 2;
    frame[0] = (char)0x81;
    if (length < 126) {
        frame[1] = (char)(0x80 | length);
    } else {
        frame[1] = (char)0xfe;
        frame[2] = (char)(length >> 8);
        frame[3] = (char)length;
        head = 4;
    }
    memset(frame + head, 0, 4);  // a mask of zeros is a mask too
    memcpy(frame + head + 4, hello, length);
    put(it, frame, head + 4 + length);
}

static uint32_t number_after(const char *text, size_t length, const char *key) {
    const char *found = memmem(text, length, key, strlen(key));
    return found ? (uint32_t)strtoul(found + strlen(key), NULL, 10) : 0;
}

static void message(int number, const char *text, size_t length, uint64_t at) {
    struct screen *it = &screens[number];
    if (length < 24 || memcmp(text, "{\"type\":\"event\"", 15)) return;
    uint32_t after = number_after(text, length, "\"after\":");
    uint32_t version = number_after(text, length, "\"version\":");
    if (version <= it->last) {
        repeated++;
        return;
    }
    if (it->last && after > it->last) lost += after - it->last;
    it->last = version;
    if (recorded == record_room) {
        record_room = record_room ? record_room * 2 : 1 << 20;
        records = realloc(records, record_room * sizeof *records);
        if (!records) die("realloc");
    }
    records[recorded++] = (struct record){at, (uint32_t)number, after, version, 0};
    if (version < VERSIONS_MOST && ++arrived[version] == (uint32_t)(count - deaf)) {
        printf("all %u\n", version);
        fflush(stdout);
    }
}

// Takes whole messages off the front; returns how many bytes were used.
static size_t messages(int number, const char *data, size_t length, uint64_t at) {
    size_t used = 0;
    while (used < length) {
        const char *it = data + used;
        size_t left = length - used, head, body, tail = 0;
        if (is_nats) {
            const char *end = memmem(it, left, "\r\n", 2);
            if (!end) break;
            head = (size_t)(end - it) + 2;
            body = 0;
            if (!memcmp(it, "MSG ", 4)) {
                const char *size = end;
                while (size > it && size[-1] != ' ') size--;
                body = strtoul(size, NULL, 10);
                tail = 2;
            } else if (left >= 4 && !memcmp(it, "PING", 4)) {
                put(&screens[number], "PONG\r\n", 6);
            }
        } else {
            if (left < 2) break;
            body = (unsigned char)it[1];
            head = 2;
            if (body == 126) {
                if (left < 4) break;
                head = 4;
                body = (size_t)(unsigned char)it[2] << 8 | (unsigned char)it[3];
            } else if (body == 127) {
                if (left < 10) break;
                head = 10;
                body = 0;
                for (int i = 2; i < 10; i++) body = body << 8 | (unsigned char)it[i];
            }
        }
        if (left < head + body + tail) break;
        if (body) message(number, it + head, body, at);
        used += head + body + tail;
    }
    return used;
}

static void now_open(int number) {
    struct screen *it = &screens[number];
    it->state = OPEN;
    opened++;
    if (number >= count - deaf) epoll_ctl(epoll, EPOLL_CTL_DEL, it->fd, NULL);
}

static void readable(int number) {
    static char buffer[2 * BUFFER];
    struct screen *it = &screens[number];
    if (it->kept) memcpy(buffer, it->rest, it->kept);
    ssize_t got = recv(it->fd, buffer + it->kept, BUFFER, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        fprintf(stderr, "socket %d was closed in state %d\n", number, it->state);
        exit(1);
    }
    bytes_read += (uint64_t)got;
    uint64_t at = now_ns();
    size_t length = it->kept + (size_t)got, used = 0;
    it->kept = 0;
    if (it->state == SHAKING) {
        const char *end = is_nats ? memmem(buffer, length, "\r\n", 2)
                                  : memmem(buffer, length, "\r\n\r\n", 4);
        if (end) {
            used = (size_t)(end - buffer) + (is_nats ? 2 : 4);
            greet(it);
            if (!*ready) now_open(number);
        }
    }
    if (it->state == GREETED && memmem(buffer, length, ready, strlen(ready))) now_open(number);
    if (it->state >= GREETED) used += messages(number, buffer + used, length - used, at);
    if (used < length) {
        it->kept = (uint32_t)(length - used);
        if (it->kept > it->room) {
            it->room = it->kept;
            it->rest = realloc(it->rest, it->room);
            if (!it->rest) die("realloc");
        }
        memcpy(it->rest, buffer + used, it->kept);
    }
}

int main(int argc, char **argv) {
    if (argc != 9) return 2;
    is_nats = !strcmp(argv[1], "nats");
    port = atoi(argv[2]);
    count = atoi(argv[3]);
    deaf = atoi(argv[4]);
    path = argv[5];
    hello = argv[6];
    ready = argv[7];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    screens = calloc((size_t)count, sizeof *screens);
    arrived = calloc(VERSIONS_MOST, sizeof *arrived);
    epoll = epoll_create1(0);
    struct epoll_event want = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &want);
    int begun = 0, told = 0;
    struct rusage before, after;
    began_ns = now_ns();
    getrusage(RUSAGE_SELF, &before);
    uint64_t open_ns = 0;
    for (;;) {
        while (begun < count && begun - opened < IN_FLIGHT) connect_next(begun++);
        if (opened == count && !told) {
            told = 1;
            open_ns = now_ns();
            printf("open %.6f\n", (double)(open_ns - began_ns) / 1e9);
            fflush(stdout);
            getrusage(RUSAGE_SELF, &before);
        }
        struct epoll_event events[512];
        int some = epoll_wait(epoll, events, 512, -1);
        int stop = 0;
        for (int i = 0; i < some; i++) {
            uint32_t number = events[i].data.u32;
            if (number == UINT32_MAX) {
                stop = 1;
            } else if (screens[number].state == CONNECTING) {
                begin_handshake((int)number);
            } else {
                readable((int)number);
            }
        }
        if (stop) break;
    }
    getrusage(RUSAGE_SELF, &after);
    double wall = (double)(now_ns() - open_ns) / 1e9;
    double used = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                  (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6 +
                  (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < count - deaf; i++)
        if (screens[i].last < least) least = screens[i].last;
    int file = open(argv[8], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    size_t left = recorded * sizeof *records;
    char *from = (char *)records;
    while (left) {
        ssize_t wrote = write(file, from, left);
        if (wrote <= 0) die("write");
        from += wrote;
        left -= (size_t)wrote;
    }
    close(file);
    printf("{\"frames\": %zu, \"lost\": %llu, \"repeated\": %llu, \"least\": %u, "
           "\"cpu_seconds\": %.6f, \"wall_seconds\": %.6f}\n",
           recorded, (unsigned long long)lost, (unsigned long long)repeated, least, used, wall);
    return 0;
}
