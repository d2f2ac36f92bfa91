// A kernel of tools/bench that uses the C library: malloc, qsort, strcmp and printf into a buffer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  struct entry *next;
  int32_t number;
  char text[];
} entry;

static int by_text(const void *a, const void *b) {
  return strcmp((*(entry *const *)a)->text, (*(entry *const *)b)->text);
}

static entry *entries(int32_t n) {
  static const char *const names[] = {"ash", "birch", "cedar", "douglas fir"};
  entry *list = NULL;
  for (int32_t i = 0; i < n; i++) {
    char text[64];
    int size = snprintf(text, sizeof text, "%05d-%s-%x", i * 7919 % n, names[i % 4], i);
    entry *next = malloc(sizeof(entry) + (size_t)size + 1);
    next->next = list;
    next->number = i;
    memcpy(next->text, text, (size_t)size + 1);
    list = next;
  }
  return list;
}

// Makes n texts, sorts them, prints them with numbers, and gives a checksum of what was printed.
__attribute__((export_name("report"))) int32_t report(int32_t n) {
  entry *list = entries(n), **sorted = malloc((size_t)n * sizeof(entry *));
  int32_t count = 0;
  for (entry *each = list; each; each = each->next) sorted[count++] = each;
  qsort(sorted, (size_t)n, sizeof(entry *), by_text);
  size_t room = (size_t)n * 64 + 1, used = 0;
  char *printed = malloc(room);
  for (int32_t i = 0; i < n; i++) {
    double number = sorted[i]->number / 8.0;
    used += (size_t)snprintf(printed + used, room - used, "%s,%.2f;", sorted[i]->text, number);
    free(sorted[i]);
  }
  uint32_t sum = 0;
  for (size_t i = 0; i < used; i++) sum = sum * 31 + (uint8_t)printed[i];
  free(printed);
  free(sorted);
  return (int32_t)sum;
}
