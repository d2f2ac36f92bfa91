// Errors by exceptions: a calculator that reads texts, whose classes throw, clean up and pass on.
// Built by tools/build-guests: em++ writes the older encoding (parser_legacy.wasm), and wasm-opt
// makes the newer one of it (parser.wasm).

#include <cctype>
#include <stdexcept>
#include <string>

namespace {

char text[256];
int destroyed;

// What is counted when a frame is left, by whichever way.
struct Guard {
    ~Guard() { destroyed++; }
};

struct Error {
    int at;
    explicit Error(int at) : at(at) {}
    virtual int code() const { return 100 + at; }
    virtual ~Error() { destroyed++; }
};

struct DivisionByZero : Error {
    using Error::Error;
    int code() const override { return 200 + at; }
};

class Parser {
    int at = 0;

    char peek() {
        while (text[at] == ' ') at++;
        return text[at];
    }

    bool take(char wanted) {
        if (peek() != wanted) return false;
        at++;
        return true;
    }

    int number() {
        Guard guard;
        std::string digits;
        while (std::isdigit(static_cast<unsigned char>(peek()))) digits += text[at++];
        if (digits.empty()) throw Error(at);
        if (digits.size() > 9) throw std::out_of_range(digits);
        return std::stoi(digits);
    }

    int factor() {
        Guard guard;
        if (take('?')) return attempt();
        if (take('-')) return -factor();
        if (!take('(')) return number();
        int found = sum();
        if (!take(')')) throw Error(at);
        return found;
    }

    // "?(x):y" is x, or y where x divides by zero; other errors pass.
    int attempt() {
        int before = at;
        int found = 0;
        bool failed = false;
        try {
            found = factor();
        } catch (const DivisionByZero &) {
            failed = true;
        }
        if (failed) skip(before);
        if (!take(':')) throw Error(at);
        int other = factor();
        return failed ? other : found;
    }

    // Goes behind the part in brackets that failed.
    void skip(int before) {
        at = before;
        int depth = 0;
        do {
            if (peek() == '(') depth++;
            if (peek() == ')') depth--;
            at++;
        } while (depth > 0 && text[at]);
    }

    int product() {
        int found = factor();
        for (;;) {
            if (take('*')) {
                found *= factor();
            } else if (take('/')) {
                int divisor = factor();
                if (divisor == 0) throw DivisionByZero(at);
                found /= divisor;
            } else {
                return found;
            }
        }
    }

    int sum() {
        Guard guard;
        int found = product();
        for (;;) {
            if (take('+')) found += product();
            else if (take('-')) found -= product();
            else return found;
        }
    }

public:
    int all() {
        int found = sum();
        if (peek()) throw at;  // not a class
        return found;
    }
};

int checked() {
    Guard guard;
    try {
        return Parser().all();
    } catch (Error &error) {
        error.at++;
        throw;  // the same object, changed
    }
}

}  // namespace

extern "C" {

// Where a text of up to 255 bytes is put.
__attribute__((export_name("text"))) char *place() { return text; }

// The text's value, or less than zero for what was thrown: -1000 - the code.
__attribute__((export_name("value"))) int value() {
    try {
        return checked();
    } catch (const Error &error) {
        return -1000 - error.code();
    } catch (const std::exception &error) {
        return -2000 - static_cast<int>(std::string(error.what()).size());
    } catch (...) {
        return -3000;
    }
}

// As value, but what is thrown leaves the module.
__attribute__((export_name("unguarded"))) int unguarded() { return checked(); }

__attribute__((export_name("destroyed"))) int destructors() { return destroyed; }
}
