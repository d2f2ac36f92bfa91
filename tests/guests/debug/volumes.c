/* For tests of source maps as Emscripten writes them: functions in two files, and a trap. */
#include "volumes.h"

int volume(const box *one) {
  return one->width * one->height * one->depth;
}

int mean(const box *boxes, int count) {
  int sum = 0;
  for (int at = 0; at < count; at++)
    sum += volume(&boxes[at]);
  return divided(sum, count);
}

int main_mean(int count) {
  box boxes[3] = {{1, 2, 3}, {2, 3, 4}, {3, 4, 5}};
  return mean(boxes, count);
}
