// The physical limit of a fan-out: epoll, and one send of a finished frame to each socket.
//
//   writer PORT FEED_PORT
//
// Sockets that come to PORT are answered as a WebSocket server answers (the key is not looked at).
// Whatever is fed (a length of 4 bytes, big-endian, then the payload) is framed once and sent to all.
// What a socket does not take at once is dropped with the socket: the screens here always read.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FEED = 1 << 16, MOST = 65536 };
static int sockets[MOST], count, feed = -1;

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 2048)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static void watch(int epoll, int fd) {
    struct epoll_event want = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want);
}

static void fan_out(const char *payload, size_t length) {
    static char frame[FEED + 4];
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(length >> 8);
    frame[3] = (char)length;
    memcpy(frame + 4, payload, length);
    for (int i = 0; i < count; i++)
        if (send(sockets[i], frame, length + 4, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            sockets[i--] = sockets[--count];
}

static int fed(void) {
    static char data[2 * FEED];
    static size_t kept;
    ssize_t got = recv(feed, data + kept, sizeof data - kept, 0);
    if (got <= 0) return 0;
    kept += (size_t)got;
    size_t used = 0;
    while (kept - used >= 4) {
        uint32_t length;
        memcpy(&length, data + used, 4);
        length = ntohl(length);
        if (kept - used < 4 + length) break;
        fan_out(data + used + 4, length);
        used += 4 + length;
    }
    memmove(data, data + used, kept - used);
    kept -= used;
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int doors = listening(atoi(argv[1])), feeds = listening(atoi(argv[2])), epoll = epoll_create1(0);
    watch(epoll, doors);
    watch(epoll, feeds);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int some = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < some; i++) {
            int fd = events[i].data.fd;
            if (fd == doors) {
                for (int one; (one = accept4(doors, NULL, NULL, SOCK_NONBLOCK)) >= 0;) watch(epoll, one);
            } else if (fd == feeds) {
                feed = accept(feeds, NULL, NULL);
                watch(epoll, feed);
            } else if (fd == feed) {
                if (!fed()) return 0;
            } else {
                char text[1024];
                ssize_t got = recv(fd, text, sizeof text, 0);
                if (got > 4 && !memcmp(text, "GET ", 4) && count < MOST) {
                    static const char yes[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
                    send(fd, yes, sizeof yes - 1, MSG_NOSIGNAL);
                    sockets[count++] = fd;
                } else if (got <= 0) {
                    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
                    close(fd);
                }
            }
        }
    }
}
