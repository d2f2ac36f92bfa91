/* Errors by setjmp and longjmp, as interpreters in C have them. Built by zig 0.17 from PyPI, in
   either encoding (legacy: without the last option):

   python -m ziglang cc -target wasm32-wasi -O2 -mexec-model=reactor -mexception-handling \
     -mllvm -wasm-enable-sjlj -Wl,--strip-all -Wl,-z,stack-size=65536 errors.c -o errors.wasm \
     -mllvm -wasm-use-legacy-eh=false
*/
#include <setjmp.h>
#include <stddef.h>

/* the tag of longjmp, which zig's library lacks */
__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");

static jmp_buf handlers[8];
static int depth, steps;

static void fail(int code) { longjmp(handlers[depth - 1], code); }

static int divide(int a, int b) {
  steps++;
  if (b == 0) fail(7);
  return a / b;
}

static int evaluate(int a, int b, int n) {
  if (n > 0) return evaluate(a, b, n - 1) + 1;
  return divide(a, b);
}

/* What protects: gives the result, or minus the error. */
__attribute__((export_name("guarded"))) int guarded(int a, int b, int n) {
  volatile int before = steps;
  int code = setjmp(handlers[depth++]);
  int result = code == 0 ? evaluate(a, b, n) : -code - 100 * (steps - before);
  depth--;
  return result;
}

/* Handlers in handlers: the inner one passes an error on. */
__attribute__((export_name("nested"))) int nested(int a, int b) {
  int code = setjmp(handlers[depth++]);
  if (code) { depth--; return 1000 + code; }
  int inner = guarded(a, b, 3);
  if (inner < 0) fail(-inner % 100 + 1);
  depth--;
  return inner;
}

__attribute__((export_name("many"))) int many(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) sum += guarded(i, i % 3, 2);
  return sum;
}
