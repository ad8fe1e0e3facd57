// Time, and CPU time of other processes, in nanoseconds.
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

static const uint64_t SECOND = 1000000000;

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time)) return 0;
  return time.tv_sec * SECOND + time.tv_nsec;
}

static inline uint64_t now(void) { return clock_ns(CLOCK_MONOTONIC); }

/** CPU time that the processes have had, with that of their ended threads. */
static inline uint64_t cpu_of(const pid_t *pids, int count) {
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) {
    clockid_t clock;
    if (clock_getcpuclockid(pids[i], &clock)) continue;  // it ended
    sum += clock_ns(clock);
  }
  return sum;
}
