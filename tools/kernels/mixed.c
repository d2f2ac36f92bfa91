// A workload of several kinds of work in small pieces, as embedded benchmarks have: a linked list
// that is searched, reversed and sorted; integer matrices; a state machine that reads numbers; and
// a checksum bit by bit over all that they find. One iteration does each once.

typedef unsigned short u16;
typedef unsigned int u32;

enum { NODES = 100, SIDE = 12, TEXT = 600 };

// ---- checksum

static u16 checksum(u16 crc, u32 value) {
    for (int bit = 0; bit < 16; bit++) {
        u32 differs = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (differs)
            crc ^= 0xA001;
    }
    return crc;
}

// ---- list

typedef struct node {
    struct node *next;
    short value;
    u16 index;
} node;

typedef int (*order)(const node *, const node *);

static node pool[NODES];

static int by_value(const node *one, const node *other) { return one->value - other->value; }

static int by_index(const node *one, const node *other) { return one->index - other->index; }

static node *make_list(u32 seed) {
    for (int i = 0; i < NODES; i++) {
        seed = seed * 1103515245 + 12345;
        pool[i].value = (short)(seed >> 16 & 0x3FFF) - 0x2000;
        pool[i].index = (u16)i;
        pool[i].next = i + 1 < NODES ? &pool[i + 1] : 0;
    }
    return pool;
}

static node *reversed(node *list) {
    node *done = 0;
    while (list) {
        node *rest = list->next;
        list->next = done;
        done = list;
        list = rest;
    }
    return done;
}

static u32 steps_to(const node *list, int value) {
    u32 steps = 0;
    while (list && list->value < value) {
        list = list->next;
        steps++;
    }
    return steps;
}

static node *merged(node *one, node *other, order compare) {
    node *first = 0, **end = &first;
    while (one && other) {
        node **from = compare(one, other) <= 0 ? &one : &other;
        *end = *from;
        end = &(*from)->next;
        *from = *end;
    }
    *end = one ? one : other;
    return first;
}

static node *sorted(node *list, order compare) {
    if (!list || !list->next)
        return list;
    node *middle = list, *end = list->next;
    while (end && end->next) {
        middle = middle->next;
        end = end->next->next;
    }
    node *half = middle->next;
    middle->next = 0;
    return merged(sorted(list, compare), sorted(half, compare), compare);
}

static u16 list_work(u32 seed, u16 crc) {
    node *list = sorted(reversed(make_list(seed)), by_value);
    for (int value = -8000; value < 8000; value += 1000)
        crc = checksum(crc, steps_to(list, value));
    list = sorted(list, by_index);
    for (node *at = list; at; at = at->next)
        if (at->index % 8 == 0)
            crc = checksum(crc, (u16)at->value);
    return crc;
}

// ---- matrices

static short left[SIDE][SIDE], right[SIDE][SIDE];
static int product[SIDE][SIDE];

static u16 matrix_work(u32 seed, u16 crc) {
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            seed = seed * 134775813 + 1;
            left[i][k] = (short)(seed >> 20);
            right[i][k] = (short)(seed >> 8 & 0xFF);
        }
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            u32 sum = 0;
            for (int j = 0; j < SIDE; j++)
                sum += (u32)(left[i][j] * right[j][k]);
            product[i][k] = (int)sum;
        }
    for (int i = 0; i < SIDE; i++) {
        u32 sum = 0;
        for (int k = 0; k < SIDE; k++) {
            int part = product[i][k] >> 2 & 0xFFFF;
            sum += (u32)(part > 0x7000 ? 10 : part * right[k][i]);
        }
        crc = checksum(crc, sum & 0xFFFF);
    }
    return crc;
}

// ---- state machine

enum { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, POWER, WRONG, STATES };

static const char samples[] = "5012,-17,+0.625,1e9,3.14e-2,.5,7.,12x4,--1,8e+,+,0.0e00,";
static char text[TEXT];

static int next_state(int state, char c) {
    if (c >= '0' && c <= '9') {
        switch (state) {
        case START:
        case SIGN:
        case WHOLE:
            return WHOLE;
        case POINT:
        case FRACTION:
            return FRACTION;
        case EXPONENT:
        case POWER:
            return POWER;
        }
        return WRONG;
    }
    switch (c) {
    case '+':
    case '-':
        return state == START ? SIGN : state == EXPONENT ? EXPONENT : WRONG;
    case '.':
        return state <= WHOLE ? POINT : WRONG;
    case 'e':
        return state == WHOLE || state == FRACTION ? EXPONENT : WRONG;
    }
    return WRONG;
}

static u16 count_states(u16 crc) {
    u32 ends[STATES] = {0}, visits[STATES] = {0};
    int state = START;
    for (int at = 0; at < TEXT; at++) {
        if (text[at] == ',') {
            ends[state]++;
            state = START;
        } else if (state != WRONG) {
            state = next_state(state, text[at]);
            visits[state]++;
        }
    }
    for (int i = 0; i < STATES; i++)
        crc = checksum(checksum(crc, ends[i]), visits[i]);
    return crc;
}

static u16 text_work(u32 seed, u16 crc) {
    for (int at = 0, from = 0; at < TEXT; at++) {
        text[at] = samples[from];
        from = samples[from + 1] ? from + 1 : 0;
    }
    crc = count_states(crc);
    for (u32 at = seed % 7; at < TEXT; at += 7)
        if (text[at] != ',')
            text[at] ^= 1;
    return count_states(crc);
}

// ---- all of it

__attribute__((export_name("mixed"))) int mixed(int iterations) {
    u16 crc = 0xFFFF;
    for (u32 i = 0; i < (u32)iterations; i++) {
        crc = list_work(i * 7 + 1, crc);
        crc = matrix_work(i + 3, crc);
        crc = text_work(i, crc);
    }
    return crc;
}
