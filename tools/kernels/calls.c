// What crosses the border between a module and its host, with nothing in it.

__attribute__((import_module("host"), import_name("nothing"))) int nothing(int);

__attribute__((export_name("add"))) int add(int one, int other) { return one + other; }

__attribute__((export_name("host_calls"))) int host_calls(int n) {
    int last = 0;
    for (int i = 0; i < n; i++)
        last = nothing(i);
    return last;
}
