//! The errands plugin in Zig; tests/plugin/test_toolchains.py says what it answers.
const std = @import("std");

extern "gk" fn host_call(name: [*]const u8, name_size: u32, request: [*]const u8, size: u32) u64;
extern "gk" fn log(level: u32, message: [*]const u8, size: u32) void;

const manifest =
    \\{"name":"errands","version":"1.0.0",
    \\"description":"Runs errands, the same in every language",
    \\"author":"pywasmgk","license":"Apache-2.0","homepage":"",
    \\"routes":[{"method":"POST","path":"/errands/sum","handler":"sum"}],
    \\"error_codes":[{"code":"errands.numbers","message":"numbers expected","http_status":422}]}
;

// ---- memory: the host frees by address alone, so we keep the sizes

const allocator = std.heap.wasm_allocator;
var blocks: std.AutoHashMapUnmanaged(usize, []u8) = .empty;

fn keep(block: []u8) bool {
    blocks.put(allocator, @intFromPtr(block.ptr), block) catch return false;
    return true;
}

export fn gk_malloc(size: u32) ?[*]u8 {
    const block = allocator.alloc(u8, @max(size, 1)) catch return null;
    if (keep(block)) return block.ptr;
    allocator.free(block);
    return null;
}

export fn gk_free(address: usize) void {
    if (blocks.fetchRemove(address)) |entry| allocator.free(entry.value);
}

/// Memory that must be there: without it the call ends in a trap.
fn need(size: usize) []u8 {
    const block = gk_malloc(size) orelse @trap();
    return block[0..size];
}

fn pack(answer: []const u8) u64 {
    return @as(u64, @intFromPtr(answer.ptr)) << 32 | answer.len;
}

// ---- writing

/// Writes into one block with room for the longest answer there can be.
const Writer = struct {
    block: []u8,
    size: usize = 0,

    fn init(text_size: usize) Writer {
        return .{ .block = need(80 + 6 * text_size) }; // an escape has six characters
    }

    fn print(self: *Writer, comptime format: []const u8, values: anytype) void {
        self.size += (std.fmt.bufPrint(self.block[self.size..], format, values) catch @trap()).len;
    }

    fn fail(self: *Writer, message: []const u8, detail: []const u8) void {
        self.print("{{\"error\":\"{s}", .{message});
        for (detail) |c| switch (c) {
            '"', '\\' => self.print("\\{c}", .{c}),
            0...31 => self.print("\\u{x:0>4}", .{c}),
            else => self.print("{c}", .{c}),
        };
        self.print("\"}}", .{});
    }
};

// ---- reading

/// Takes up to 18 digits, which fit into 64 bits.
fn takeDigits(rest: *[]const u8) ?i64 {
    var digits: usize = 0;
    var value: i64 = 0;
    while (digits < rest.len and rest.*[digits] >= '0' and rest.*[digits] <= '9') : (digits += 1) {
        if (digits == 18) return null;
        value = value * 10 + (rest.*[digits] - '0');
    }
    rest.* = rest.*[digits..];
    return if (digits == 0) null else value;
}

fn take(rest: *[]const u8, c: u8) bool {
    if (rest.len == 0 or rest.*[0] != c) return false;
    rest.* = rest.*[1..];
    return true;
}

// ---- handlers

const Sum = struct { count: u32 = 0, total: i64 = 0 };

fn readSum(args: []const u8) ?Sum {
    var rest = args;
    var found: Sum = .{};
    if (!take(&rest, '[')) return null;
    if (!take(&rest, ']')) {
        while (true) {
            const negative = take(&rest, '-');
            const number = takeDigits(&rest) orelse return null;
            found.total +%= if (negative) -number else number;
            found.count += 1;
            if (!take(&rest, ',')) break;
        }
        if (!take(&rest, ']')) return null;
    }
    return if (rest.len == 0) found else null;
}

fn sum(w: *Writer, args: []const u8) void {
    const found = readSum(args) orelse return w.fail("numbers expected", "");
    w.print("{{\"count\":{d},\"sum\":{d}}}", .{ found.count, found.total });
}

var calls: u64 = 0;

fn count(w: *Writer, _: []const u8) void {
    calls += 1;
    w.print("{{\"calls\":{d}}}", .{calls});
}

fn root(w: *Writer, args: []const u8) void {
    var rest = args;
    const number = takeDigits(&rest);
    if (number == null or rest.len != 0) return w.fail("number expected", "");
    const size: f64 = @floatFromInt(number.?);
    const thousandths: i64 = @trunc(@sqrt(size) * 1000);
    w.print("{{\"root\":{d}}}", .{thousandths});
}

fn hash(w: *Writer, args: []const u8) void {
    const values = .{ std.hash.Crc32.hash(args), std.hash.Fnv1a_64.hash(args) };
    w.print("{{\"crc32\":\"{x:0>8}\",\"fnv1a\":\"{x:0>16}\"}}", values);
}

fn note(w: *Writer, args: []const u8) void {
    if (args.len == 0 or args[0] < '0' or args[0] > '9') return w.fail("level expected", "");
    log(args[0] - '0', args.ptr + 1, args.len - 1);
    w.print("{{\"noted\":{d}}}", .{args.len - 1});
}

var cell: u32 = 0;
const zero: *volatile u32 = &cell;

noinline fn deeper(depth: u32) u32 {
    return if (depth == 0xFFFFFFFF) 0 else deeper(depth +% 1) +% zero.* +% 1;
}

fn fail(w: *Writer, args: []const u8) void {
    if (std.mem.eql(u8, args, "unreachable")) @trap();
    if (std.mem.eql(u8, args, "divide")) zero.* = args.len / zero.*;
    if (std.mem.eql(u8, args, "bounds")) zero.* = @as(*volatile u32, @ptrFromInt(0xFFFFFFF0)).*;
    if (std.mem.eql(u8, args, "recurse")) zero.* = deeper(0);
    while (std.mem.eql(u8, args, "loop")) zero.* = 0;
    w.fail("unknown kind: ", args);
}

const handlers = std.StaticStringMap(*const fn (*Writer, []const u8) void).initComptime(.{
    .{ "count", count }, .{ "sum", sum },   .{ "root", root },
    .{ "hash", hash },   .{ "note", note }, .{ "fail", fail },
});

// ---- handlers whose answers have no bound

fn echo(args: []const u8) u64 {
    if (args.len == 0) return 0;
    const copy = need(args.len);
    @memcpy(copy, args);
    return pack(copy);
}

/// NAME REQUEST: what the host answers, which is ours to hand on.
fn ask(args: []const u8) u64 {
    const end = std.mem.indexOfScalar(u8, args, ' ') orelse args.len;
    const request = args[@min(end + 1, args.len)..];
    const packed_answer = host_call(args.ptr, end, request.ptr, request.len);
    if (packed_answer != 0) return packed_answer;
    var w = Writer.init(end);
    w.fail("host call failed: ", args[0..end]);
    return pack(w.block[0..w.size]);
}

// ---- the contract

export fn gk_register() u64 {
    return pack(manifest);
}

export fn gk_call(function: [*]const u8, function_size: u32, given: [*]allowzero const u8, size: u32) u64 {
    const name = function[0..function_size];
    const args: []const u8 = if (size == 0) "" else @as([*]const u8, @ptrCast(given))[0..size];
    if (std.mem.eql(u8, name, "echo")) return echo(args);
    if (std.mem.eql(u8, name, "ask")) return ask(args);
    var w = Writer.init(@max(name.len, args.len));
    if (handlers.get(name)) |run| run(&w, args) else w.fail("unknown function: ", name);
    return pack(w.block[0..w.size]);
}
