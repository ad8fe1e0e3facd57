// A histogram of times in nanoseconds, as HdrHistogram lays it out: 128 buckets
// for each power of two, so that a value is off by less than 0.8 %.
#include <stdint.h>
#include <string.h>

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS + 1) * SUB };

struct histogram {
  uint64_t count;
  uint64_t max;
  uint64_t buckets[BUCKETS];
};

static inline void histogram_add(struct histogram *h, uint64_t ns) {
  int shift = 0;
  if (ns >= SUB) shift = 63 - __builtin_clzll(ns) - SUB_BITS;
  if (shift < 0) shift = 0;
  // Below 2 * SUB every value has a bucket; above, the top SUB_BITS + 1 bits count.
  h->buckets[(uint64_t)shift * SUB + (ns >> shift)]++;
  h->count++;
  if (ns > h->max) h->max = ns;
}

/** The value that the given share (0 to 1) of all does not exceed, in ns. */
static inline uint64_t histogram_quantile(const struct histogram *h,
                                          double share) {
  if (share >= 1) return h->max;
  uint64_t rank = (uint64_t)(share * h->count + 0.5), seen = 0;
  if (rank == 0) rank = 1;
  for (uint64_t i = 0; i < BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen < rank) continue;
    if (i < 2 * SUB) return i;
    uint64_t shift = i / SUB - 1;
    uint64_t top = ((i - shift * SUB + 1) << shift) - 1;
    return top < h->max ? top : h->max;
  }
  return h->max;
}
