/* A program for threads that is run by one: where no thread can be made it works by itself, with
   the same locks, conditions, keys and atomics. Built by tools/build-guests. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local volatile int own = 5;
static atomic_int next;
static long long total;
static int refused;

static void make_key(void) { pthread_key_create(&key, 0); }

static void *work(void *limit) {
    pthread_once(&once, make_key);
    pthread_setspecific(key, limit);
    for (;;) {
        int number = atomic_fetch_add(&next, 1);
        if (number >= *(int *)pthread_getspecific(key)) return 0;
        pthread_mutex_lock(&lock);
        total += (long long)number * number + own;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
}

/* The sum over all numbers below a limit, by as many threads as can be had. */
__attribute__((used)) long long sum(int limit, int threads) {
    pthread_t made[8];
    int count = 0;
    next = 0, total = 0, refused = 0;
    for (int n = 0; n < threads && n < 8; n++) {
        int error = pthread_create(&made[count], 0, work, &limit);
        if (error == 0) count++;
        else refused = error;
    }
    if (count == 0) work(&limit);
    for (int n = 0; n < count; n++) pthread_join(made[n], 0);
    return total;
}

/* Why a thread was refused: EAGAIN, or 0. */
__attribute__((used)) int why(void) { return refused == EAGAIN ? 1 : refused ? 2 : 0; }

/* Waits for a change that nobody makes, up to a second: 1 for the time-out. */
__attribute__((used)) int await(int milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += milliseconds * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&lock);
    int error = pthread_cond_timedwait(&changed, &lock, &until);
    pthread_mutex_unlock(&lock);
    return error == ETIMEDOUT ? 1 : error ? 2 : 0;
}
