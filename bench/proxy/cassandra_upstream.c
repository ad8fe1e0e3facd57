// A server that answers the statement of cassandra.h, whatever its key, with
// one row of one blob: what stands behind the proxies in place of a Cassandra,
// which would be the slowest by far.
//
//   cassandra_upstream PORT VALUE_BYTES          (on 127.0.0.1)
//
// Requests are answered in turn, those of one read in one write. For benches only.
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cassandra.h"

enum { MAX_FD = 20000, BUFFER = 64 * 1024, MOST_ASKED = 1024, BATCH = 256 };

static struct {
  char bytes[MOST_ASKED];  // the front of a request, of which more is to come
  int length;
} rests[MAX_FD];
static char in[MOST_ASKED + BUFFER];
static char *out, *row;
static int row_length;

static void make_row(int value) {
  int body = LENGTH(ROWS) + 4 + value;
  row_length = HEADER + body;
  row = malloc(row_length);
  write_header(row, RESPONSE, 0, RESULT, body);
  memcpy(row + HEADER, ROWS, LENGTH(ROWS));
  memcpy(row + HEADER + LENGTH(ROWS), &(uint32_t){htonl(value)}, 4);
  char *blob = row + HEADER + LENGTH(ROWS) + 4;
  for (int i = 0; i < value; i++) blob[i] = 'a' + i % 26;
  out = malloc((size_t)(MOST_ASKED + BUFFER) / HEADER * (row_length + 128));
}

/** Writes the reply to a request. @return its length */
static int answer(const char *request, char *to) {
  int length = HEADER;
  if (request[OPCODE] == EXECUTE || request[OPCODE] == QUERY) {
    memcpy(to, row, length = row_length);
  } else if (request[OPCODE] == PREPARE) {
    write_header(to, RESPONSE, 0, RESULT, LENGTH(PREPARED));
    memcpy(to + HEADER, PREPARED, LENGTH(PREPARED));
    length += LENGTH(PREPARED);
  } else {
    write_header(to, RESPONSE, 0, READY, 0);
  }
  memcpy(to + STREAM, request + STREAM, 2);
  return length;
}

/** Answers what is there of one connection. @return whether it goes on */
static int serve(int fd) {
  int length = rests[fd].length, at = 0, answered = 0;
  memcpy(in, rests[fd].bytes, length);
  ssize_t got = recv(fd, in + length, BUFFER, MSG_DONTWAIT);
  if (got <= 0) return 0;
  length += got;
  while (length - at >= HEADER) {
    uint32_t body;
    memcpy(&body, in + at + BODY_LENGTH, 4);
    body = ntohl(body);
    if (body > MOST_ASKED - HEADER) return 0;
    if (length - at < HEADER + (int)body) break;
    answered += answer(in + at, out + answered);
    at += HEADER + body;
  }
  rests[fd].length = length - at;
  memcpy(rests[fd].bytes, in + at, length - at);
  for (int sent = 0; sent < answered;) {
    ssize_t n = send(fd, out + sent, answered - sent, MSG_NOSIGNAL);
    if (n < 0) return 0;
    sent += n;
  }
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) errx(2, "cassandra_upstream PORT VALUE_BYTES");
  make_row(atoi(argv[2]));
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_port = htons(atoi(argv[1])),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&at, sizeof at)) err(1, "bind");
  if (listen(listener, 4096)) err(1, "listen");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);

  struct epoll_event events[BATCH];
  for (;;) {
    int ready = epoll_wait(epoll, events, BATCH, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        if (!serve(fd)) close(fd);
        continue;
      }
      int client = accept(listener, NULL, NULL);
      if (client < 0 || client >= MAX_FD) {
        close(client);
        continue;
      }
      rests[client].length = 0;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
      event = (struct epoll_event){.events = EPOLLIN, .data.fd = client};
      epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
    }
  }
}
