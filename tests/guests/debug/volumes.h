typedef struct {
  int width, height, depth;
} box;

static __attribute__((noinline)) int divided(int sum, int by) {
  return sum / by;
}
