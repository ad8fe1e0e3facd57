// The least that a TCP proxy can do: one thread, level-triggered epoll, one
// shared buffer, recv() and send(). What it costs is the price of being between.
//
//   floor PORT UPSTREAM_PORT          (both on 127.0.0.1)
//
// No bounds and no half-close, and a slow reader holds up all: for benches only.
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_FD = 20000, BUFFER = 64 * 1024, BATCH = 256 };

static int peer[MAX_FD];  // by descriptor: the other end of its pair, 0 for none
static char buffer[BUFFER];

static struct sockaddr_in loopback(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int epoll, int fd) {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) err(1, "epoll_ctl");
}

static void open_pair(int epoll, int listener, const struct sockaddr_in *to) {
  int client = accept(listener, NULL, NULL);
  int upstream = socket(AF_INET, SOCK_STREAM, 0);
  if (client < 0 || upstream < 0 || client >= MAX_FD || upstream >= MAX_FD ||
      connect(upstream, (const struct sockaddr *)to, sizeof *to)) {
    close(client), close(upstream);
    return;
  }
  peer[client] = upstream, peer[upstream] = client;
  watch(epoll, client), watch(epoll, upstream);
}

static void pass(int from) {
  int to = peer[from];
  if (to == 0) return;  // closed by an event earlier in the batch
  ssize_t got = recv(from, buffer, BUFFER, MSG_DONTWAIT), sent = 0;
  while (sent < got) {
    ssize_t n = send(to, buffer + sent, got - sent, MSG_NOSIGNAL);
    if (n < 0) break;
    sent += n;
  }
  if (got > 0 && sent == got) return;
  peer[from] = peer[to] = 0;
  close(from), close(to);
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "floor PORT UPSTREAM_PORT");
  struct sockaddr_in at = loopback(argv[1]), to = loopback(argv[2]);
  int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&at, sizeof at)) err(1, "bind");
  if (listen(listener, 4096)) err(1, "listen");
  watch(epoll, listener);

  struct epoll_event events[BATCH];
  for (;;) {
    int ready = epoll_wait(epoll, events, BATCH, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) open_pair(epoll, listener, &to);
      else pass(fd);
    }
  }
}
