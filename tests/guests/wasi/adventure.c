/* A text adventure: reads commands, keeps rooms and things in memory, asks for random numbers and
   the time. tools/build-guests adventure */

#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

struct buffer { const char *start; uint32_t size; };

WASI(fd_read) int fd_read(int fd, const struct buffer *to, int count, uint32_t *size);
WASI(fd_write) int fd_write(int fd, const struct buffer *from, int count, uint32_t *size);
WASI(random_get) int random_get(uint8_t *to, uint32_t size);
WASI(clock_time_get) int clock_time_get(int clock, uint64_t precision, uint64_t *time);
WASI(proc_exit) _Noreturn void proc_exit(int code);

struct room { const char *name; int north, south, east, west; };

enum { HALL, CELLAR, GARDEN, TOWER, ROOMS, NOWHERE = -1, CARRIED = -2 };

static const struct room rooms[ROOMS] = {
    {"the hall", GARDEN, CELLAR, TOWER, NOWHERE},
    {"the cellar", HALL, NOWHERE, NOWHERE, NOWHERE},
    {"the garden", NOWHERE, HALL, NOWHERE, NOWHERE},
    {"the tower", NOWHERE, NOWHERE, NOWHERE, HALL},
};

static struct { const char *name; int where; } things[] = {
    {"lamp", HALL}, {"key", CELLAR}, {"rope", GARDEN},
};
#define THINGS 3

static int here = HALL, turns;

static uint32_t length(const char *text)
{
    uint32_t size = 0;
    while (text[size])
        size++;
    return size;
}

static void say(const char *text)
{
    struct buffer part = {text, length(text)};
    uint32_t written;
    fd_write(1, &part, 1, &written);
}

static void say_number(uint32_t number)
{
    char digits[12];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = '0' + number % 10;
    while (number /= 10);
    say(&digits[at]);
}

static int same(const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

/* A line of input without its end; 0 where there is none any more. */
static int read_line(char *line, int size)
{
    int at = 0;
    for (;;) {
        char byte;
        struct buffer part = {&byte, 1};
        uint32_t got = 0;
        if (fd_read(0, &part, 1, &got) || !got)
            return at > 0;
        if (byte == '\n')
            break;
        if (at < size - 1)
            line[at++] = byte;
    }
    line[at] = 0;
    return 1;
}

static void look(void)
{
    say("You are in ");
    say(rooms[here].name);
    say(".\n");
    for (int i = 0; i < THINGS; i++)
        if (things[i].where == here) {
            say("There is a ");
            say(things[i].name);
            say(".\n");
        }
}

static void go(int where)
{
    uint8_t luck;
    if (where == NOWHERE) {
        say("There is no way.\n");
        return;
    }
    random_get(&luck, 1);
    if (where == TOWER && luck < 16)
        say("The stairs creak.\n");
    here = where;
    look();
}

static void take(const char *name)
{
    for (int i = 0; i < THINGS; i++)
        if (things[i].where == here && same(name, things[i].name)) {
            things[i].where = CARRIED;
            say("Taken.\n");
            return;
        }
    say("There is none.\n");
}

static void quit(void)
{
    uint64_t now;
    int carried = 0;
    clock_time_get(1, 1, &now);
    for (int i = 0; i < THINGS; i++)
        carried += things[i].where == CARRIED;
    say("You carry ");
    say_number(carried);
    say(" things after ");
    say_number(turns);
    say(" turns.\n");
    proc_exit(carried);
}

static void obey(const char *line)
{
    const struct room *room = &rooms[here];
    if (same(line, "north"))
        go(room->north);
    else if (same(line, "south"))
        go(room->south);
    else if (same(line, "east"))
        go(room->east);
    else if (same(line, "west"))
        go(room->west);
    else if (same(line, "look"))
        look();
    else if (same(line, "quit"))
        quit();
    else if (line[0] == 't' && line[1] == 'a' && line[2] == 'k' && line[3] == 'e' && line[4] == ' ')
        take(line + 5);
    else
        say("What?\n");
}

__attribute__((export_name("_start"))) void start(void)
{
    char line[40];
    look();
    while (read_line(line, sizeof line)) {
        turns++;
        obey(line);
    }
    quit();
}
