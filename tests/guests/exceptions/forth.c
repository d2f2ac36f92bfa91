/* An interpreter that reports errors by setjmp and longjmp, as Lua, jq and MicroPython do: a small
   Forth. Words: numbers, + - * / dup drop swap, "[ ... ]" (runs a part, and pushes the
   number of its error or 0), fail (fails with the number on top). Built by tools/build-guests, in
   either encoding of exceptions. */

#include <setjmp.h>
#include <string.h>

/* the tag of longjmp, which zig's library lacks */
__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");

enum error { UNDERFLOW = 1, OVERFLOW, UNKNOWN_WORD, DIVISION, OPEN_PART, OWN = 100 };

struct handler {
    jmp_buf buffer;
    struct handler *outer;
};

static char source[256];
static int stack[16], height;
static struct handler *innermost;

static _Noreturn void fail(int error) { longjmp(innermost->buffer, error); }

static void push(int value) {
    if (height == 16) fail(OVERFLOW);
    stack[height++] = value;
}

static int pop(void) {
    if (height == 0) fail(UNDERFLOW);
    return stack[--height];
}

static const char *run(const char *at, int in_part);

/* Runs a part with a handler of its own; an error takes the stack back to where it was. */
static const char *guarded(const char *at) {
    struct handler handler = {.outer = innermost};
    volatile int before = height;
    const char *volatile end = at;
    innermost = &handler;
    int error = setjmp(handler.buffer);
    if (error == 0) {
        end = run(at, 1);
    } else {
        height = before;
        int depth = 1;
        while (depth && *end) {
            if (*end == '[') depth++;
            if (*end++ == ']') depth--;
        }
    }
    innermost = handler.outer;
    push(error);
    return end;
}

static int is(const char *at, int size, const char *word) {
    return (int)strlen(word) == size && memcmp(at, word, size) == 0;
}

static void arithmetic(char word) {
    int b = pop(), a = pop();
    if (word == '/' && b == 0) fail(DIVISION);
    push(word == '+' ? a + b : word == '-' ? a - b : word == '*' ? a * b : a / b);
}

static void word(const char *at, int size) {
    if (*at >= '0' && *at <= '9') {
        int value = 0;
        for (int n = 0; n < size; n++) value = value * 10 + (at[n] - '0');
        push(value);
    } else if (size == 1 && strchr("+-*/", *at)) {
        arithmetic(*at);
    } else if (is(at, size, "dup")) {
        int a = pop();
        push(a), push(a);
    } else if (is(at, size, "swap")) {
        int b = pop(), a = pop();
        push(b), push(a);
    } else if (is(at, size, "drop")) {
        pop();
    } else if (is(at, size, "fail")) {
        fail(OWN + pop());
    } else {
        fail(UNKNOWN_WORD);
    }
}

/* Runs to the end of the source, or of a part; gives where that is. */
static const char *run(const char *at, int in_part) {
    for (;;) {
        while (*at == ' ') at++;
        if (*at == 0) {
            if (in_part) fail(OPEN_PART);
            return at;
        }
        if (*at == ']' && in_part) return at + 1;
        if (*at == '[') {
            at = guarded(at + 1);
            continue;
        }
        int size = (int)strcspn(at, " []");
        word(at, size ? size : 1);
        at += size ? size : 1;
    }
}

/* Where a source of up to 255 bytes is put. */
__attribute__((export_name("source"))) char *place(void) { return source; }

/* Runs the source: what is on top at the end, or less than zero for an error that none caught. */
__attribute__((export_name("evaluate"))) int evaluate(void) {
    struct handler handler = {.outer = 0};
    height = 0;
    innermost = &handler;
    int error = setjmp(handler.buffer);
    if (error) return -error;
    run(source, 0);
    return pop();
}
