/* Small programs in one module: the first argument says which. Each is what a beginner would write
 * with the C library, so that the library's way of using WASI is what is tested. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *tool, const char *what) {
  fprintf(stderr, "%s: %s: %s\n", tool, what, strerror(errno));
  return 1;
}

/* ---- cat [FILE]... */

static int copy_out(FILE *from) {
  char buffer[4096];
  size_t size;
  while ((size = fread(buffer, 1, sizeof buffer, from)) > 0)
    fwrite(buffer, 1, size, stdout);
  return ferror(from);
}

static int cat(int argc, char **argv) {
  if (argc == 1)
    return copy_out(stdin);
  int status = 0;
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (file == NULL) {
      status = fail("cat", argv[i]);
      continue;
    }
    if (copy_out(file))
      status = fail("cat", argv[i]);
    fclose(file);
  }
  return status;
}

/* ---- sort [-r] [-o OUTPUT]: lines of the standard input */

static int ascending(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int descending(const void *a, const void *b) { return ascending(b, a); }

static int sort(int argc, char **argv) {
  int (*order)(const void *, const void *) = ascending;
  FILE *out = stdout;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-r") == 0)
      order = descending;
    else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && (out = fopen(argv[++i], "w")) == NULL)
      return fail("sort", argv[i]);
  }
  char **lines = NULL, *line = NULL;
  size_t count = 0, room = 0, size = 0;
  while (getline(&line, &size, stdin) >= 0) {
    if (count == room)
      lines = realloc(lines, (room = room ? 2 * room : 64) * sizeof *lines);
    lines[count++] = line;
    line = NULL;
    size = 0;
  }
  qsort(lines, count, sizeof *lines, order);
  for (size_t i = 0; i < count; i++)
    fputs(lines[i], out);
  return fclose(out) ? fail("sort", "output") : 0;
}

/* ---- find DIRECTORY [TEXT]: paths that contain a text; walk DIRECTORY: a tree with sizes */

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int proper(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int find(const char *path, const char *text) {
  struct dirent **entries;
  int count = scandir(path, &entries, proper, by_name), status = 0;
  if (count < 0)
    return fail("find", path);
  for (int i = 0; i < count; i++) {
    char below[4096];
    struct stat stat;
    snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
    if (strstr(entries[i]->d_name, text) != NULL)
      puts(below);
    if (lstat(below, &stat) == 0 && S_ISDIR(stat.st_mode))
      status |= find(below, text);
  }
  return status;
}

static long walk(const char *path, int depth) {
  struct dirent **entries;
  int count = scandir(path, &entries, proper, by_name);
  long total = 0;
  if (count < 0)
    return fail("walk", path), 0;
  for (int i = 0; i < count; i++) {
    char below[4096];
    struct stat stat;
    snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
    if (lstat(below, &stat) != 0) {
      fail("walk", below);
    } else if (S_ISDIR(stat.st_mode)) {
      printf("%*s%s/\n", 2 * depth, "", entries[i]->d_name);
      total += walk(below, depth + 1);
    } else if (S_ISLNK(stat.st_mode)) {
      char target[256] = {0};
      if (readlink(below, target, sizeof target - 1) < 0)
        snprintf(target, sizeof target, "(%s)", strerror(errno));
      printf("%*s%s -> %s\n", 2 * depth, "", entries[i]->d_name, target);
    } else {
      printf("%*s%s %ld\n", 2 * depth, "", entries[i]->d_name, (long)stat.st_size);
      total += (long)stat.st_size;
    }
  }
  return total;
}

/* ---- json: reads any JSON and writes it with two spaces for each level */

static int peeked = -2;

static int peek(void) {
  if (peeked == -2)
    do
      peeked = getchar();
    while (peeked == ' ' || peeked == '\t' || peeked == '\n' || peeked == '\r');
  return peeked;
}

static int take(void) {
  int c = peek();
  peeked = -2;
  return c;
}

static void bad(const char *what) {
  fprintf(stderr, "json: %s expected\n", what);
  exit(2);
}

static void json_string(void) {
  if (take() != '"')
    bad("a string");
  putchar('"');
  for (int c; (c = getchar()) != '"';) {
    if (c == EOF)
      bad("the end of a string");
    putchar(c);
    if (c == '\\')
      putchar(getchar());
  }
  putchar('"');
}

static void json_value(int depth);

static void json_items(int depth, int close) {
  putchar(take());
  if (peek() != close) {
    for (;;) {
      printf("\n%*s", 2 * depth + 2, "");
      if (close == '}') {
        json_string();
        if (take() != ':')
          bad("a colon");
        fputs(": ", stdout);
      }
      json_value(depth + 1);
      if (peek() != ',')
        break;
      putchar(take());
    }
    printf("\n%*s", 2 * depth, "");
  }
  if (take() != close)
    bad("a closing bracket");
  putchar(close);
}

static void json_value(int depth) {
  int c = peek();
  if (c == '{' || c == '[') {
    json_items(depth, c + 2);
  } else if (c == '"') {
    json_string();
  } else {
    if (c == EOF || strchr(",:]}", c) != NULL)
      bad("a value");
    for (putchar(take()); (c = getchar()) != EOF && strchr(",]} \t\r\n", c) == NULL;)
      putchar(c);
    ungetc(c, stdin);
  }
}

/* ---- adventure: three rooms and a lamp, by lines of the standard input */

static int adventure(void) {
  static const char *rooms[] = {"a hall with a door to the north", "a library with a lamp",
                                "a dark cellar; stairs lead up"};
  int room = 0, lamp = 0, turns = 0;
  char line[80];
  printf("You are in %s.\n> ", rooms[room]);
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    turns++;
    if (strcmp(line, "quit") == 0) {
      break;
    } else if (strcmp(line, "north") == 0 && room == 0) {
      room = 1;
    } else if (strcmp(line, "south") == 0 && room == 1) {
      room = 0;
    } else if (strcmp(line, "take lamp") == 0 && room == 1) {
      lamp = 1;
      puts("Taken.");
    } else if (strcmp(line, "down") == 0 && room == 0) {
      room = 2;
    } else if (strcmp(line, "up") == 0 && room == 2) {
      room = 0;
    } else if (strcmp(line, "dig") == 0 && room == 2 && lamp) {
      printf("By the light of the lamp you find the treasure, after %d turns.\n", turns);
      return 0;
    } else {
      puts("That does not work here.");
    }
    printf("You are in %s.\n> ", rooms[room]);
    fflush(stdout);
  }
  puts("You leave with nothing.");
  return 3;
}

/* ---- sleep MILLISECONDS; many COUNT: opens so many files at once; env; write FILE TEXT */

static int sleep_for(long milliseconds) {
  struct timespec begin, end, span = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  nanosleep(&span, NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  long passed = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
  puts(passed >= milliseconds ? "slept" : "woke early");
  return 0;
}

static int many(int count) {
  int opened = 0;
  for (int i = 0; i < count; i++, opened++) {
    /* letters, since snprintf would cost more than all the rest */
    char name[] = "file-aaaa";
    for (int rest = i, place = 8; rest > 0; rest /= 26, place--)
      name[place] = 'a' + rest % 26;
    int fd = open(name, O_CREAT | O_RDWR, 0666);
    if (fd < 0) {
      printf("%d opened, then: %s\n", opened, strerror(errno));
      return 1;
    }
    if (write(fd, &i, sizeof i) != sizeof i)
      return fail("many", name);
  }
  printf("%d opened\n", opened);
  return 0;
}

extern char **environ;

static int write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
    return fail("write", path);
  return 0;
}

/* ---- escape PATH...: tries to get at something by each path in all ways that C knows; the exit
 * code is the number of ways that worked */

static int attempt(const char *way, const char *path, int result) {
  if (result >= 0)
    printf("ESCAPED by %s %s\n", way, path);
  return result >= 0;
}

static int escape(int argc, char **argv) {
  int escapes = 0;
  for (int i = 1; i < argc; i++) {
    const char *path = argv[i];
    struct stat stat_;
    DIR *directory = opendir(path);
    escapes += attempt("open", path, open(path, O_RDONLY));
    escapes += attempt("open to write", path, open(path, O_RDWR));
    escapes += attempt("create", path, open(path, O_CREAT | O_EXCL | O_WRONLY, 0666));
    escapes += attempt("truncate", path, open(path, O_TRUNC | O_WRONLY));
    escapes += attempt("open directory", path, open(path, O_RDONLY | O_DIRECTORY));
    escapes += attempt("opendir", path, directory == NULL ? -1 : 0);
    escapes += attempt("stat", path, stat(path, &stat_));
    escapes += attempt("mkdir", path, mkdir(path, 0777));
    escapes += attempt("rmdir", path, rmdir(path));
    escapes += attempt("link from", path, link(path, "stolen"));
    escapes += attempt("link to", path, link("file", path));
    escapes += attempt("rename from", path, rename(path, "stolen"));
    escapes += attempt("rename to", path, rename("file", path));
    escapes += attempt("symlink at", path, symlink("file", path));
    escapes += attempt("utime", path, utimensat(AT_FDCWD, path, NULL, 0));
    /* the link may be made, unless it begins at a root; it must not lead anywhere */
    unlink("probe");
    if (symlink(path, "probe") == 0) {
      escapes += attempt("open through a link", path, open("probe", O_RDONLY));
      escapes += attempt("stat through a link", path, stat("probe", &stat_));
      escapes += attempt("create through a link", path, open("probe", O_CREAT | O_WRONLY, 0666));
    }
  }
  printf("%d paths, %d escapes\n", argc - 1, escapes);
  return escapes > 100 ? 100 : escapes;
}

int main(int argc, char **argv) {
  const char *tool = argc > 1 ? argv[1] : "";
  argc--, argv++;
  const char *first = argc > 1 ? argv[1] : ".";
  if (strcmp(tool, "cat") == 0)
    return cat(argc, argv);
  if (strcmp(tool, "sort") == 0)
    return sort(argc, argv);
  if (strcmp(tool, "find") == 0)
    return find(first, argc > 2 ? argv[2] : "");
  if (strcmp(tool, "walk") == 0)
    return printf("%ld bytes\n", walk(first, 0)) < 0;
  if (strcmp(tool, "json") == 0)
    return json_value(0), putchar('\n'), peek() != EOF;
  if (strcmp(tool, "adventure") == 0)
    return adventure();
  if (strcmp(tool, "sleep") == 0)
    return sleep_for(atol(first));
  if (strcmp(tool, "many") == 0)
    return many(atoi(first));
  if (strcmp(tool, "escape") == 0)
    return escape(argc, argv);
  if (strcmp(tool, "write") == 0 && argc > 2)
    return write_file(first, argv[2]);
  if (strcmp(tool, "env") == 0) {
    for (char **variable = environ; *variable != NULL; variable++)
      puts(*variable);
    return 0;
  }
  if (strcmp(tool, "exit") == 0)
    exit(atoi(first));
  if (strcmp(tool, "abort") == 0)
    abort();
  fprintf(stderr, "usage: tools cat|sort|find|walk|json|adventure|sleep|many|escape|write|env\n");
  return 64;
}
