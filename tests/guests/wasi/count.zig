//! Counts lines, words and bytes: of the standard input, or of the files in the first directory that
//! are named by the arguments. Uses WASI without a library between.
const std = @import("std");
const wasi = std.os.wasi;

var buffer: [4096]u8 = undefined;

const Counts = struct {
    lines: usize = 0,
    words: usize = 0,
    bytes: usize = 0,
    in_word: bool = false,

    fn add(self: *Counts, text: []const u8) void {
        self.bytes += text.len;
        for (text) |c| {
            if (c == '\n') self.lines += 1;
            const space = c == ' ' or c == '\n' or c == '\t';
            if (!space and !self.in_word) self.words += 1;
            self.in_word = !space;
        }
    }
};

fn read(fd: wasi.fd_t) ?[]const u8 {
    var vector = [1]std.posix.iovec{.{ .base = &buffer, .len = buffer.len }};
    var size: usize = 0;
    if (wasi.fd_read(fd, &vector, 1, &size) != .SUCCESS or size == 0) return null;
    return buffer[0..size];
}

fn write(text: []const u8) void {
    var vector = [1]std.posix.iovec_const{.{ .base = text.ptr, .len = text.len }};
    var size: usize = 0;
    _ = wasi.fd_write(1, &vector, 1, &size);
}

fn report(fd: wasi.fd_t, name: []const u8) void {
    var counts = Counts{};
    while (read(fd)) |text| counts.add(text);
    var line: [200]u8 = undefined;
    write(std.fmt.bufPrint(&line, "{d} {d} {d} {s}\n", .{ counts.lines, counts.words, counts.bytes, name }) catch "too long\n");
}

export fn _start() void {
    var count: usize = 0;
    var size: usize = 0;
    _ = wasi.args_sizes_get(&count, &size);
    var pointers: [32][*:0]u8 = undefined;
    var text: [2048]u8 = undefined;
    if (count > pointers.len or size > text.len) wasi.proc_exit(2);
    _ = wasi.args_get(&pointers, &text);
    if (count < 2) report(0, "-");
    for (pointers[1..@max(count, 1)]) |pointer| {
        const name = std.mem.span(pointer);
        var fd: wasi.fd_t = undefined;
        const rights: wasi.rights_t = .{ .FD_READ = true };
        switch (wasi.path_open(3, .{ .SYMLINK_FOLLOW = true }, name.ptr, name.len, .{}, rights, .{}, .{}, &fd)) {
            .SUCCESS => report(fd, name),
            else => |errno| {
                write(name);
                write(": ");
                write(@tagName(errno));
                write("\n");
                wasi.proc_exit(1);
            },
        }
        _ = wasi.fd_close(fd);
    }
}
