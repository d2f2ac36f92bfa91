/* A guest with debug information: a function that is compiled into its caller, and faults there.
   tools/build-guests debug */

struct shape { int width, height; };

static struct shape shapes[3] = {{2, 3}, {4, 5}, {6, 0}};

static inline __attribute__((always_inline)) int ratio(const struct shape *shape)
{
    return shape->width
        / shape->height;
}

__attribute__((noinline)) static int of_index(int index)
{
    if (index < 0)
        __builtin_trap();
    return ratio(&shapes[index]) + 1;
}

__attribute__((export_name("total"))) int total(int first, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += of_index(first + i);
    return sum;
}
