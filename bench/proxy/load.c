// A load generator: one thread, epoll.
//
//   load --port N [--connections N] [--depth N] [--value-bytes N] [--rate N]
//        [--warmup SECONDS] [--seconds SECONDS] [--cpu PID,PID…]
//        [--cassandra [--query]]
//   load --port N --connections N --idle
//
// A connection asks the same again and again, in memcached's text protocol or
// Cassandra's (workload.h), and compares every byte of every reply, which come in
// turn. It has up to --depth requests outstanding.
//
// Closed loop (no --rate): the next request leaves when a reply is whole.
// Open loop: requests per second of all connections together, at even
// distances. Each has the time at which it is due, and its latency counts from
// there, however late it was sent: a stall is seen by all that were due in it.
//
// Latencies are of the requests that were due (closed loop: sent) after the
// warm-up and before the end; all of them are waited for. --cpu names processes
// whose CPU time in that window is told, by their CPU clocks: exact to the
// nanosecond, with threads that ended meanwhile.
//
// --idle: every connection does one get; then a line of JSON, then nothing until
// standard input ends.
//
// Prints one line of JSON. Times are in microseconds but where they say else.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clocks.h"
#include "histogram.h"
#include "load_options.h"
#include "workload.h"

enum { BUFFER = 256 * 1024, BATCH = 256 };
static const uint64_t PATIENCE = 5 * SECOND;  // for the last replies

struct connection {
  int fd;  // -1 after an error
  struct workload work;
  int reply_got;  // bytes of the reply that is being read
  int outstanding;
  uint64_t started[MAX_DEPTH];  // ring: when requests were due, or sent
  uint64_t first;               // of the ring: the request answered next
  uint64_t due;                 // open loop: when the next request is
};

static struct connection *connections;
static char buffer[BUFFER];
static struct histogram latencies;
static uint64_t window_start, window_end;
static uint64_t completed, completed_in_all, errors;

static uint64_t cpu_of_proxy(void) {
  return cpu_of(options.pids, options.pid_count);
}

// ---- connections

static void give_up(struct connection *c, const char *why) {
  if (errors++ == 0) warnx("%s after %lu replies", why, completed_in_all);
  close(c->fd);
  c->fd = -1;
}

static void send_all(struct connection *c, const char *data, int length) {
  // Requests are short and few are outstanding: they fit the socket's buffer.
  if (send(c->fd, data, length, MSG_NOSIGNAL) == length) return;
  give_up(c, "send failed");
}

/** Blocking: for setting up. */
static void expect(struct connection *c, const struct text *reply) {
  int got = 0;
  while (got < reply->length) {
    ssize_t n = recv(c->fd, buffer, reply->length - got, 0);
    if (n <= 0) errx(1, "connection closed while setting up");
    if (memcmp(buffer, reply->bytes + got, n)) {
      errx(1, "not the reply to expect: %.*s", (int)n, buffer);
    }
    got += n;
  }
}

static void open_connection(struct connection *c, int key, bool greets) {
  c->work = options.cassandra
                ? cassandra(key, options.value_bytes, options.query)
                : memcached(key, options.value_bytes);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(options.port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) err(1, "connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (greets) {
    const struct text *greeting = &c->work.greeting;
    send_all(c, greeting->bytes, greeting->length);
    expect(c, &c->work.welcome);
  }
}

/** Numbers a request, or what its reply has to be. */
static void number(const struct connection *c, char *text, uint64_t i) {
  if (c->work.stream_at >= 0) text[c->work.stream_at + 1] = i % MAX_DEPTH;
}

/** Sends `count` requests in one write, with the time that each counts from. */
static void request(struct connection *c, const uint64_t *times, int count) {
  const struct text *one = &c->work.request;
  char out[MAX_DEPTH * MAX_REQUEST];
  for (int i = 0; i < count; i++) {
    uint64_t next = c->first + c->outstanding++;
    memcpy(out + i * one->length, one->bytes, one->length);
    number(c, out + i * one->length, next);
    c->started[next % MAX_DEPTH] = times[i];
  }
  send_all(c, out, count * one->length);
}

static void answered(struct connection *c, uint64_t at) {
  uint64_t started = c->started[c->first++ % MAX_DEPTH];
  c->outstanding--;
  completed_in_all++;
  if (at >= window_start && at < window_end) completed++;
  if (started >= window_start && started < window_end) {
    histogram_add(&latencies, at - started);
  }
}

/** Reads what is there. @return how many replies became whole */
static int receive(struct connection *c) {
  ssize_t got = recv(c->fd, buffer, BUFFER, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) {
    give_up(c, "closed by the peer");
    return 0;
  }
  uint64_t at = now();
  int replies = 0;
  const struct text *reply = &c->work.reply;
  for (ssize_t i = 0; i < got;) {
    if (c->reply_got == 0) number(c, reply->bytes, c->first);
    ssize_t part = reply->length - c->reply_got;
    if (part > got - i) part = got - i;
    if (c->outstanding == 0 ||
        memcmp(buffer + i, reply->bytes + c->reply_got, part)) {
      give_up(c, "wrong reply");
      return 0;
    }
    i += part;
    c->reply_got += part;
    if (c->reply_got < reply->length) break;
    c->reply_got = 0;
    answered(c, at);
    replies++;
  }
  return replies;
}

// ---- when requests leave

/** Closed loop: fills the connection up again. */
static void refill(struct connection *c) {
  uint64_t times[MAX_DEPTH], at = now();
  int count = options.depth - c->outstanding;
  if (at >= window_end || count == 0) return;
  for (int i = 0; i < count; i++) times[i] = at;
  request(c, times, count);
}

/** Open loop: sends what is due and has room. @return when the next one is due */
static uint64_t send_due(struct connection *c, uint64_t at) {
  uint64_t step = options.connections * (SECOND / options.rate);
  while (c->due < window_end && c->outstanding < options.depth) {
    if (c->due > at) return c->due;
    request(c, &c->due, 1);
    c->due += step;
    if (c->fd < 0) break;
  }
  return UINT64_MAX;  // nothing before a reply comes
}

/** @return when something has to be done that no reply wakes us for */
static uint64_t send_all_due(uint64_t at) {
  uint64_t next = UINT64_MAX;
  for (int i = 0; i < options.connections && options.rate > 0; i++) {
    if (connections[i].fd < 0) continue;
    uint64_t due = send_due(&connections[i], at);
    if (due < next) next = due;
  }
  return next;
}

/** Whether requests are outstanding or still to be sent. */
static bool busy(void) {
  for (int i = 0; i < options.connections; i++) {
    struct connection *c = &connections[i];
    if (c->fd < 0) continue;
    if (c->outstanding > 0) return true;
    if (options.rate > 0 && c->due < window_end) return true;
  }
  return false;
}

static void begin(void) {
  uint64_t at = now();
  window_start = at + options.warmup * SECOND;
  window_end = window_start + options.seconds * SECOND;
  for (int i = 0; i < options.connections; i++) {
    if (options.rate > 0) connections[i].due = at + i * (SECOND / options.rate);
    else refill(&connections[i]);
  }
}

/** The next border of the window, for the CPU clocks are read there. */
static uint64_t border_after(uint64_t at) {
  if (at < window_start) return window_start;
  return at < window_end ? window_end : window_end + PATIENCE;
}

/** @return CPU time of --cpu within the window, in ns */
static uint64_t run(int epoll) {
  uint64_t cpu_start = 0, cpu = 0;
  begin();
  struct epoll_event events[BATCH];
  for (;;) {
    uint64_t at = now();
    if (cpu_start == 0 && at >= window_start) cpu_start = cpu_of_proxy();
    if (cpu == 0 && at >= window_end) cpu = cpu_of_proxy() - cpu_start;
    if (at >= window_end && (!busy() || at >= window_end + PATIENCE)) return cpu;

    uint64_t next = send_all_due(at), border = border_after(at);
    if (border < next) next = border;
    at = now();
    uint64_t wait = next > at ? next - at : 0;
    struct timespec timeout = {wait / SECOND, wait % SECOND};
    int ready = epoll_pwait2(epoll, events, BATCH, &timeout, NULL);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (c->fd < 0) continue;
      int replies = receive(c);
      if (replies > 0 && options.rate == 0) refill(c);
    }
  }
}

// ---- the command

static void hold_idle(void) {
  for (int i = 0; i < options.connections; i++) {
    struct connection *c = &connections[i];
    open_connection(c, 0, i == 0);
    send_all(c, c->work.request.bytes, c->work.request.length);
    expect(c, &c->work.reply);
    free_workload(&c->work);
  }
  printf("{\"idle\":%d}\n", options.connections);
  fflush(stdout);
  while (read(STDIN_FILENO, buffer, 1) > 0) continue;
}

/** In µs. */
static void print_latency(const char *name, double share) {
  printf(",\"%s\":%.2f", name, histogram_quantile(&latencies, share) / 1e3);
}

static void load(void) {
  prctl(PR_SET_TIMERSLACK, 1);
  int epoll = epoll_create1(0);
  for (int i = 0; i < options.connections; i++) {
    open_connection(&connections[i], i, true);
    struct connection *c = &connections[i];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) err(1, "epoll_ctl");
  }
  uint64_t cpu = run(epoll);
  for (int i = 0; i < options.connections; i++) {
    if (connections[i].fd >= 0) errors += connections[i].outstanding;
  }
  printf("{\"requests\":%lu,\"requestsInAll\":%lu,\"seconds\":%g",
         completed, completed_in_all, options.seconds);
  printf(",\"perSecond\":%.1f", completed / options.seconds);
  print_latency("p50", 0.5), print_latency("p90", 0.9);
  print_latency("p99", 0.99), print_latency("p999", 0.999);
  print_latency("p9999", 0.9999), print_latency("max", 1);
  printf(",\"errors\":%lu,\"cpuNs\":%lu}\n", errors, cpu);
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  connections = calloc(options.connections, sizeof *connections);
  if (options.idle) hold_idle();
  else load();
  return errors > 0;
}
