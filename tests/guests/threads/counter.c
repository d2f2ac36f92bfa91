/* A program for threads that runs in one: atomics, a lock that times out, nobody to wake.

   python -m ziglang cc -target wasm32-freestanding -mcpu=generic+atomics+bulk_memory+mutable_globals
     -O2 -s -nostdlib -Wl,--no-entry -Wl,--shared-memory -Wl,-z,stack-size=16384
     -Wl,--initial-memory=131072 -Wl,--max-memory=131072 -Wl,--export-memory -o counter.wasm counter.c
*/
#include <stdatomic.h>

static _Atomic int counter;
static _Atomic long long total;
static _Atomic unsigned char flag;

__attribute__((export_name("count"))) int count(int times) {
    for (int n = 0; n < times; n++) {
        atomic_fetch_add(&counter, 1);
        atomic_fetch_add(&total, (long long)n * n);
    }
    return atomic_load(&counter);
}

__attribute__((export_name("total"))) long long total_so_far(void) { return atomic_load(&total); }

__attribute__((export_name("lock"))) int lock(long long nanoseconds) {
    unsigned char free_ = 0;
    if (atomic_compare_exchange_strong(&flag, &free_, 1)) return 0;
    static int word;
    return __builtin_wasm_memory_atomic_wait32(&word, 0, nanoseconds);
}

__attribute__((export_name("unlock"))) int unlock(void) {
    atomic_store(&flag, 0);
    return __builtin_wasm_memory_atomic_notify((int *)&counter, 1);
}
