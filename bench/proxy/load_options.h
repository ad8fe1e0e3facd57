// The options of load.c, which tells what they mean.
#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { MAX_DEPTH = 64, MAX_PIDS = 64 };

static struct {
  int port, connections, depth, value_bytes;
  double rate;             // requests per second of all connections; 0: closed loop
  double warmup, seconds;  // seconds
  pid_t pids[MAX_PIDS];
  int pid_count;
  bool idle, cassandra, query;
} options = {.connections = 1, .depth = 1, .value_bytes = 100, .seconds = 1};

static void parse_pids(char *list) {
  for (char *pid = strtok(list, ","); pid; pid = strtok(NULL, ",")) {
    if (options.pid_count == MAX_PIDS) errx(2, "too many processes");
    options.pids[options.pid_count++] = atoi(pid);
  }
}

static void parse_options(int argc, char **argv) {
  static const struct option known[] = {
      {"port", 1, 0, 'p'},   {"connections", 1, 0, 'c'}, {"depth", 1, 0, 'd'},
      {"rate", 1, 0, 'r'},   {"value-bytes", 1, 0, 'b'}, {"warmup", 1, 0, 'w'},
      {"cpu", 1, 0, 'u'},    {"seconds", 1, 0, 's'},     {"idle", 0, 0, 'i'},
      {"cassandra", 0, 0, 'a'}, {"query", 0, 0, 'q'}, {0}};
  for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    if (o == 'p') options.port = atoi(optarg);
    else if (o == 'c') options.connections = atoi(optarg);
    else if (o == 'd') options.depth = atoi(optarg);
    else if (o == 'b') options.value_bytes = atoi(optarg);
    else if (o == 'r') options.rate = atof(optarg);
    else if (o == 'w') options.warmup = atof(optarg);
    else if (o == 's') options.seconds = atof(optarg);
    else if (o == 'u') parse_pids(optarg);
    else if (o == 'i') options.idle = true;
    else if (o == 'a') options.cassandra = true;
    else if (o == 'q') options.query = true;
    else exit(2);
  }
  if (options.port <= 0 || options.connections <= 0 || options.depth <= 0 ||
      options.depth > MAX_DEPTH)
    errx(2, "wrong options");
}

