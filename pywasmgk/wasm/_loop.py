"""The dispatch loops, generated from the rows of ``isa`` by ``dispatch``: do not edit.

``python -m pywasmgk.wasm.dispatch`` writes this file anew.
"""

# ruff: noqa
# mypy: ignore-errors

from pywasmgk.wasm.loop_names import *


def run(execution, meter):
    """Runs to the end; gives the results."""
    frames = execution.frames
    refill = meter.refill
    depth = meter.depth
    fuel = meter.resume()
    F = memoryview(bytearray(4)).cast("f")
    operations, pc, stack, locals_, func = frames.pop()
    instance = func.instance
    funcs, tables, globs, memory, datas, elems = instance.environment
    mem = memory.data if memory is not None else None
    try:
        while True:
            op, x = operations[pc]
            pc += 1
            if op < 5:
                if op < 1:
                    # 0x20 local.get
                    stack.append(locals_[x])
                else:
                    if op < 3:
                        if op < 2:
                            # 0x41 i32.const
                            stack.append(x)
                        else:
                            # 0x21 local.set
                            locals_[x] = stack.pop()
                    else:
                        if op < 4:
                            # 0x6A i32.add
                            b = stack.pop()
                            stack[-1] = (stack[-1] + b) & 0xFFFFFFFF
                        else:
                            # 0x22 local.tee
                            locals_[x] = stack[-1]
            else:
                if op < 20:
                    if op < 10:
                        if op < 7:
                            if op < 6:
                                # 0x28 i32.load
                                stack[-1] = load_u32(mem, stack[-1] + x)[0]
                            else:
                                # br_if
                                t, cost, fall = x
                                if stack.pop():
                                    pc = t
                                    fuel -= cost
                                else:
                                    fuel -= fall
                        else:
                            if op < 8:
                                # nop
                                pass
                            else:
                                if op < 9:
                                    # charge
                                    fuel -= x
                                else:
                                    # 0x7C i64.add
                                    b = stack.pop()
                                    stack[-1] = (stack[-1] + b) & 0xFFFFFFFFFFFFFFFF
                    else:
                        if op < 14:
                            if op < 12:
                                if op < 11:
                                    # 0x36 i32.store
                                    b = stack.pop()
                                    store_u32(mem, stack.pop() + x, b)
                                else:
                                    # 0x29 i64.load
                                    stack[-1] = load_u64(mem, stack[-1] + x)[0]
                            else:
                                if op < 13:
                                    # 0x2D i32.load8_u
                                    stack[-1] = mem[stack[-1] + x]
                                else:
                                    # 0x42 i64.const
                                    stack.append(x)
                        else:
                            if op < 17:
                                if op < 15:
                                    # 0x71 i32.and
                                    b = stack.pop()
                                    stack[-1] = stack[-1] & b
                                else:
                                    if op < 16:
                                        # br_if_loop
                                        t, cost, fall = x
                                        if stack.pop():
                                            pc = t
                                            fuel -= cost
                                            if fuel < 0:
                                                fuel = refill(fuel)
                                        else:
                                            fuel -= fall
                                    else:
                                        # 0x6B i32.sub
                                        b = stack.pop()
                                        stack[-1] = (stack[-1] - b) & 0xFFFFFFFF
                            else:
                                if op < 18:
                                    # 0x74 i32.shl
                                    b = stack.pop()
                                    stack[-1] = (stack[-1] << (b & 31)) & 0xFFFFFFFF
                                else:
                                    if op < 19:
                                        # 0x45 i32.eqz
                                        stack[-1] = 1 if not stack[-1] else 0
                                    else:
                                        # 0x23 global.get
                                        stack.append(globs[x].raw)
                else:
                    if op < 40:
                        if op < 28:
                            if op < 24:
                                if op < 22:
                                    if op < 21:
                                        # 0x37 i64.store
                                        b = stack.pop()
                                        store_u64(mem, stack.pop() + x, b)
                                    else:
                                        # if
                                        t, pc_else, cost = x
                                        if stack.pop():
                                            fuel -= t
                                        else:
                                            pc = pc_else
                                            fuel -= cost
                                else:
                                    if op < 23:
                                        # jump
                                        pc, cost = x
                                        fuel -= cost
                                    else:
                                        # return
                                        depth += func.code.depth
                                        r = stack
                                        operations, pc, stack, locals_, func = frames.pop()
                                        if x == 1:
                                            stack.append(r[-1])
                                        elif x:
                                            stack += r[-x:]
                                        if func.instance is not instance:
                                            instance = func.instance
                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                            mem = memory.data if memory is not None else None
                            else:
                                if op < 26:
                                    if op < 25:
                                        # call
                                        callee = funcs[x]
                                        code = callee.code
                                        if code is None:
                                            if callee.host is not None:
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                                meter.left, fuel, meter.depth = fuel, None, depth
                                                t = len(stack) - callee.nparams
                                                r = stack[t:]
                                                del stack[t:]
                                                stack += callee.call_host(instance, meter, r)
                                                fuel = meter.resume()
                                                mem = memory.data if memory is not None else None
                                                continue
                                            code = callee.instance.prepared(callee)
                                        depth -= code.depth
                                        if depth < 0:
                                            raise Trap(STACK_OVERFLOW)
                                        frames.append((operations, pc, stack, locals_, func))
                                        t = code.nparams
                                        if t:
                                            r = stack[-t:]
                                            del stack[-t:]
                                            locals_ = r + code.zeros
                                        else:
                                            locals_ = code.zeros[:]
                                        operations, pc, stack, func = code.operations, 0, [], callee
                                        if func.instance is not instance:
                                            instance = func.instance
                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                            mem = memory.data if memory is not None else None
                                        fuel -= code.entry
                                        if code.large:
                                            fuel = meter.expire(fuel)
                                        if fuel < 0:
                                            fuel = refill(fuel)
                                    else:
                                        # 0x2B f64.load
                                        stack[-1] = load_f64(mem, stack[-1] + x)[0]
                                else:
                                    if op < 27:
                                        # 0x73 i32.xor
                                        b = stack.pop()
                                        stack[-1] = stack[-1] ^ b
                                    else:
                                        # 0x76 i32.shr_u
                                        b = stack.pop()
                                        stack[-1] = stack[-1] >> (b & 31)
                        else:
                            if op < 33:
                                if op < 30:
                                    if op < 29:
                                        # jump_loop
                                        pc, cost = x
                                        fuel -= cost
                                        if fuel < 0:
                                            fuel = refill(fuel)
                                    else:
                                        # 0x46 i32.eq
                                        b = stack.pop()
                                        stack[-1] = 1 if stack[-1] == b else 0
                                else:
                                    if op < 32:
                                        if op < 31:
                                            # 0x47 i32.ne
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] != b else 0
                                        else:
                                            # 0x6C i32.mul
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] * b) & 0xFFFFFFFF
                                    else:
                                        # 0x72 i32.or
                                        b = stack.pop()
                                        stack[-1] = stack[-1] | b
                            else:
                                if op < 36:
                                    if op < 35:
                                        if op < 34:
                                            # 0x1B select
                                            c = stack.pop()
                                            b = stack.pop()
                                            stack[-1] = stack[-1] if c else b
                                        else:
                                            # 0x3A i32.store8
                                            b = stack.pop()
                                            mem[stack.pop() + x] = b & 255
                                    else:
                                        # 0x83 i64.and
                                        b = stack.pop()
                                        stack[-1] = stack[-1] & b
                                else:
                                    if op < 38:
                                        if op < 37:
                                            # 0xA0 f64.add
                                            b = stack.pop()
                                            stack[-1] = stack[-1] + b
                                        else:
                                            # 0xA1 f64.sub
                                            b = stack.pop()
                                            stack[-1] = stack[-1] - b
                                    else:
                                        if op < 39:
                                            # 0xA2 f64.mul
                                            b = stack.pop()
                                            stack[-1] = stack[-1] * b
                                        else:
                                            # 0x24 global.set
                                            globs[x].raw = stack.pop()
                    else:
                        if op < 60:
                            if op < 49:
                                if op < 45:
                                    if op < 43:
                                        if op < 42:
                                            if op < 41:
                                                # 0x48 i32.lt_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) < (b ^ 0x80000000) else 0
                                            else:
                                                # 0x49 i32.lt_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] < b else 0
                                        else:
                                            # 0x4A i32.gt_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) > (b ^ 0x80000000) else 0
                                    else:
                                        if op < 44:
                                            # 0x4B i32.gt_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] > b else 0
                                        else:
                                            # 0x4C i32.le_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) <= (b ^ 0x80000000) else 0
                                else:
                                    if op < 47:
                                        if op < 46:
                                            # 0x4D i32.le_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] <= b else 0
                                        else:
                                            # 0x4E i32.ge_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) >= (b ^ 0x80000000) else 0
                                    else:
                                        if op < 48:
                                            # 0x4F i32.ge_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] >= b else 0
                                        else:
                                            # 0xAD i64.extend_i32_u
                                            pass
                            else:
                                if op < 54:
                                    if op < 51:
                                        if op < 50:
                                            # loop
                                            fuel -= x
                                            if fuel < 0:
                                                fuel = refill(fuel)
                                        else:
                                            # 0x7D i64.sub
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] - b) & 0xFFFFFFFFFFFFFFFF
                                    else:
                                        if op < 52:
                                            # 0x86 i64.shl
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] << (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                        else:
                                            if op < 53:
                                                # 0x50 i64.eqz
                                                stack[-1] = 1 if not stack[-1] else 0
                                            else:
                                                # 0x39 f64.store
                                                b = stack.pop()
                                                store_f64(mem, stack.pop() + x, b)
                                else:
                                    if op < 57:
                                        if op < 55:
                                            # 0xA7 i32.wrap_i64
                                            stack[-1] = stack[-1] & 0xFFFFFFFF
                                        else:
                                            if op < 56:
                                                # br_table
                                                t = stack.pop()
                                                pc, cost, loops, height, arity = x[t] if t < len(x) else x[-1]
                                                fuel -= cost
                                                if height >= 0:
                                                    del stack[height:len(stack) - arity]
                                                if loops:
                                                    if fuel < 0:
                                                        fuel = refill(fuel)
                                            else:
                                                # 0x1A drop
                                                stack.pop()
                                    else:
                                        if op < 59:
                                            if op < 58:
                                                # 0x35 i64.load32_u
                                                stack[-1] = load_u32(mem, stack[-1] + x)[0]
                                            else:
                                                # 0x75 i32.shr_s
                                                b = stack.pop()
                                                stack[-1] = (((stack[-1] ^ 0x80000000) - 0x80000000) >> (b & 31)) & 0xFFFFFFFF
                                        else:
                                            # 0x77 i32.rotl
                                            b = stack.pop()
                                            a = stack[-1]
                                            stack[-1] = (a << (b & 31) | a >> (32 - (b & 31))) & 0xFFFFFFFF
                        else:
                            if op < 81:
                                if op < 68:
                                    if op < 64:
                                        if op < 62:
                                            if op < 61:
                                                # 0x85 i64.xor
                                                b = stack.pop()
                                                stack[-1] = stack[-1] ^ b
                                            else:
                                                # 0x88 i64.shr_u
                                                b = stack.pop()
                                                stack[-1] = stack[-1] >> (b & 63)
                                        else:
                                            if op < 63:
                                                # 0x43 f32.const
                                                stack.append(x)
                                            else:
                                                # 0x44 f64.const
                                                stack.append(x)
                                    else:
                                        if op < 66:
                                            if op < 65:
                                                # call_indirect
                                                t = stack.pop()
                                                r = tables[x[1]].elements
                                                if t >= len(r):
                                                    raise Trap(TABLE_OUT_OF_BOUNDS, f"undefined element: index {t} of {len(r)}")
                                                callee = r[t]
                                                if callee is None:
                                                    raise Trap(INDIRECT_CALL_TO_NULL, f"uninitialized element: index {t}")
                                                if callee.type is not x[0] and callee.type != x[0]:
                                                    raise Trap(BAD_SIGNATURE, f"indirect call type mismatch: {callee.type}, not {x[0]}")
                                                code = callee.code
                                                if code is None:
                                                    if callee.host is not None:
                                                        if fuel < 0:
                                                            fuel = refill(fuel)
                                                        meter.left, fuel, meter.depth = fuel, None, depth
                                                        t = len(stack) - callee.nparams
                                                        r = stack[t:]
                                                        del stack[t:]
                                                        stack += callee.call_host(instance, meter, r)
                                                        fuel = meter.resume()
                                                        mem = memory.data if memory is not None else None
                                                        continue
                                                    code = callee.instance.prepared(callee)
                                                depth -= code.depth
                                                if depth < 0:
                                                    raise Trap(STACK_OVERFLOW)
                                                frames.append((operations, pc, stack, locals_, func))
                                                t = code.nparams
                                                if t:
                                                    r = stack[-t:]
                                                    del stack[-t:]
                                                    locals_ = r + code.zeros
                                                else:
                                                    locals_ = code.zeros[:]
                                                operations, pc, stack, func = code.operations, 0, [], callee
                                                if func.instance is not instance:
                                                    instance = func.instance
                                                    funcs, tables, globs, memory, datas, elems = instance.environment
                                                    mem = memory.data if memory is not None else None
                                                fuel -= code.entry
                                                if code.large:
                                                    fuel = meter.expire(fuel)
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                            else:
                                                # 0x51 i64.eq
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] == b else 0
                                        else:
                                            if op < 67:
                                                # 0x52 i64.ne
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] != b else 0
                                            else:
                                                # 0x7E i64.mul
                                                b = stack.pop()
                                                stack[-1] = (stack[-1] * b) & 0xFFFFFFFFFFFFFFFF
                                else:
                                    if op < 74:
                                        if op < 71:
                                            if op < 69:
                                                # 0x84 i64.or
                                                b = stack.pop()
                                                stack[-1] = stack[-1] | b
                                            else:
                                                if op < 70:
                                                    # 0x2A f32.load
                                                    a = stack[-1]
                                                    stack[-1] = t if (t := load_f32(mem, a + x)[0]) == t else f32_of_bits(load_u32(mem, a + x)[0])
                                                else:
                                                    # 0x2C i32.load8_s
                                                    stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFF00
                                        else:
                                            if op < 73:
                                                if op < 72:
                                                    # 0x2F i32.load16_u
                                                    stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    # 0x31 i64.load8_u
                                                    stack[-1] = mem[stack[-1] + x]
                                            else:
                                                # 0x3E i64.store32
                                                b = stack.pop()
                                                store_u32(mem, stack.pop() + x, b & 0xFFFFFFFF)
                                    else:
                                        if op < 78:
                                            if op < 76:
                                                if op < 75:
                                                    # 0x53 i64.lt_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) < (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x54 i64.lt_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] < b else 0
                                            else:
                                                if op < 77:
                                                    # 0x55 i64.gt_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) > (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x56 i64.gt_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] > b else 0
                                        else:
                                            if op < 80:
                                                if op < 79:
                                                    # 0x57 i64.le_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) <= (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x58 i64.le_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] <= b else 0
                                            else:
                                                # 0x59 i64.ge_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) >= (b ^ 0x8000000000000000) else 0
                            else:
                                if op < 101:
                                    if op < 90:
                                        if op < 85:
                                            if op < 83:
                                                if op < 82:
                                                    # 0x5A i64.ge_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    # 0x92 f32.add
                                                    b = stack.pop()
                                                    F[0] = stack[-1] + b
                                                    stack[-1] = F[0]
                                            else:
                                                if op < 84:
                                                    # 0x93 f32.sub
                                                    b = stack.pop()
                                                    F[0] = stack[-1] - b
                                                    stack[-1] = F[0]
                                                else:
                                                    # 0x94 f32.mul
                                                    b = stack.pop()
                                                    F[0] = stack[-1] * b
                                                    stack[-1] = F[0]
                                        else:
                                            if op < 88:
                                                if op < 87:
                                                    if op < 86:
                                                        # 0x2E i32.load16_s
                                                        stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFF
                                                    else:
                                                        # 0x30 i64.load8_s
                                                        stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFFFFFFFFFF00
                                                else:
                                                    # 0x32 i64.load16_s
                                                    stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 89:
                                                    # 0x33 i64.load16_u
                                                    stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    # 0x34 i64.load32_s
                                                    stack[-1] = load_i32(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                    else:
                                        if op < 96:
                                            if op < 93:
                                                if op < 92:
                                                    if op < 91:
                                                        # 0x38 f32.store
                                                        b = stack.pop()
                                                        a = stack.pop()
                                                        store_f32(mem, a + x, b) if b == b else store_u32(mem, a + x, bits_of_f32(b))
                                                    else:
                                                        # 0x3B i32.store16
                                                        b = stack.pop()
                                                        store_u16(mem, stack.pop() + x, b & 65535)
                                                else:
                                                    # 0x3C i64.store8
                                                    b = stack.pop()
                                                    mem[stack.pop() + x] = b & 255
                                            else:
                                                if op < 95:
                                                    if op < 94:
                                                        # 0x3D i64.store16
                                                        b = stack.pop()
                                                        store_u16(mem, stack.pop() + x, b & 65535)
                                                    else:
                                                        # 0x6D i32.div_s
                                                        b = stack.pop()
                                                        a = stack[-1]
                                                        if not b:
                                                            raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                        if b == 0xFFFFFFFF and a == 0x80000000:
                                                            raise Trap(INTEGER_OVERFLOW)
                                                        stack[-1] = divide(((a ^ 0x80000000) - 0x80000000), ((b ^ 0x80000000) - 0x80000000)) & 0xFFFFFFFF
                                                else:
                                                    # 0x6E i32.div_u
                                                    b = stack.pop()
                                                    stack[-1] = stack[-1] // b
                                        else:
                                            if op < 99:
                                                if op < 98:
                                                    if op < 97:
                                                        # 0x6F i32.rem_s
                                                        b = stack.pop()
                                                        if not b:
                                                            raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                        stack[-1] = remainder(((stack[-1] ^ 0x80000000) - 0x80000000), ((b ^ 0x80000000) - 0x80000000)) & 0xFFFFFFFF
                                                    else:
                                                        # 0x70 i32.rem_u
                                                        b = stack.pop()
                                                        stack[-1] = stack[-1] % b
                                                else:
                                                    # 0x78 i32.rotr
                                                    b = stack.pop()
                                                    a = stack[-1]
                                                    stack[-1] = (a >> (b & 31) | a << (32 - (b & 31))) & 0xFFFFFFFF
                                            else:
                                                if op < 100:
                                                    # 0x61 f64.eq
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] == b else 0
                                                else:
                                                    # 0x62 f64.ne
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] != b else 0
                                else:
                                    if op < 116:
                                        if op < 106:
                                            if op < 104:
                                                if op < 103:
                                                    if op < 102:
                                                        # 0x63 f64.lt
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] < b else 0
                                                    else:
                                                        # 0x64 f64.gt
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] > b else 0
                                                else:
                                                    # 0x65 f64.le
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] <= b else 0
                                            else:
                                                if op < 105:
                                                    # 0x66 f64.ge
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    # 0xA3 f64.div
                                                    b = stack.pop()
                                                    a = stack[-1]
                                                    stack[-1] = a / b if b else divide_by_zero(a, b)
                                        else:
                                            if op < 109:
                                                if op < 107:
                                                    # 0xAC i64.extend_i32_s
                                                    stack[-1] = ((stack[-1] ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 108:
                                                        # 0x87 i64.shr_s
                                                        b = stack.pop()
                                                        stack[-1] = (((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000) >> (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        # 0x89 i64.rotl
                                                        b = stack.pop()
                                                        a = stack[-1]
                                                        stack[-1] = (a << (b & 63) | a >> (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 112:
                                                    if op < 111:
                                                        if op < 110:
                                                            # 0x1C select
                                                            c = stack.pop()
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] if c else b
                                                        else:
                                                            # br_unwind
                                                            (pc, cost, loops, height, arity), t = x
                                                            fuel -= cost
                                                            if height >= 0:
                                                                del stack[height:len(stack) - arity]
                                                            if loops:
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                    else:
                                                        # br_if_unwind
                                                        t, fall = x
                                                        if stack.pop():
                                                            pc, cost, loops, height, arity = t
                                                            fuel -= cost
                                                            if height >= 0:
                                                                del stack[height:len(stack) - arity]
                                                            if loops and fuel < 0:
                                                                fuel = refill(fuel)
                                                        else:
                                                            fuel -= fall
                                                else:
                                                    if op < 114:
                                                        if op < 113:
                                                            # 0x99 f64.abs
                                                            stack[-1] = abs(stack[-1])
                                                        else:
                                                            # 0x9A f64.neg
                                                            stack[-1] = -stack[-1]
                                                    else:
                                                        if op < 115:
                                                            # 0x9B f64.ceil
                                                            stack[-1] = ceil(stack[-1])
                                                        else:
                                                            # 0x9C f64.floor
                                                            stack[-1] = floor(stack[-1])
                                    else:
                                        if op < 136:
                                            if op < 124:
                                                if op < 120:
                                                    if op < 118:
                                                        if op < 117:
                                                            # 0x9D f64.trunc
                                                            stack[-1] = trunc(stack[-1])
                                                        else:
                                                            # 0x9E f64.nearest
                                                            stack[-1] = nearest(stack[-1])
                                                    else:
                                                        if op < 119:
                                                            # 0x9F f64.sqrt
                                                            a = stack[-1]
                                                            stack[-1] = sqrt(a) if a >= 0.0 else NAN
                                                        else:
                                                            # 0x7F i64.div_s
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            if not b:
                                                                raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                            if b == 0xFFFFFFFFFFFFFFFF and a == 0x8000000000000000:
                                                                raise Trap(INTEGER_OVERFLOW)
                                                            stack[-1] = divide(((a ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 122:
                                                        if op < 121:
                                                            # 0x80 i64.div_u
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] // b
                                                        else:
                                                            # 0x81 i64.rem_s
                                                            b = stack.pop()
                                                            if not b:
                                                                raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                            stack[-1] = remainder(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        if op < 123:
                                                            # 0x82 i64.rem_u
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] % b
                                                        else:
                                                            # 0x8A i64.rotr
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            stack[-1] = (a >> (b & 63) | a << (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 130:
                                                    if op < 127:
                                                        if op < 126:
                                                            if op < 125:
                                                                # 0x5B f32.eq
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] == b else 0
                                                            else:
                                                                # 0x5C f32.ne
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] != b else 0
                                                        else:
                                                            # 0x5D f32.lt
                                                            b = stack.pop()
                                                            stack[-1] = 1 if stack[-1] < b else 0
                                                    else:
                                                        if op < 129:
                                                            if op < 128:
                                                                # 0x5E f32.gt
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] > b else 0
                                                            else:
                                                                # 0x5F f32.le
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] <= b else 0
                                                        else:
                                                            # 0x60 f32.ge
                                                            b = stack.pop()
                                                            stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    if op < 133:
                                                        if op < 131:
                                                            # 0x95 f32.div
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            F[0] = a / b if b else divide_by_zero(a, b)
                                                            stack[-1] = F[0]
                                                        else:
                                                            if op < 132:
                                                                # 0xFC 0x0A memory.copy
                                                                c = stack.pop()
                                                                b = stack.pop()
                                                                a = stack.pop()
                                                                if a + c > len(mem) or b + c > len(mem):
                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                fuel -= c
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                mem[a:a + c] = mem[b:b + c]
                                                            else:
                                                                # 0xFC 0x0B memory.fill
                                                                c = stack.pop()
                                                                b = stack.pop()
                                                                a = stack.pop()
                                                                if a + c > len(mem):
                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                fuel -= c
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                mem[a:a + c] = bytes((b & 255,)) * c
                                                    else:
                                                        if op < 135:
                                                            if op < 134:
                                                                # 0xA4 f64.min
                                                                b = stack.pop()
                                                                stack[-1] = minimum(stack[-1], b)
                                                            else:
                                                                # 0xA5 f64.max
                                                                b = stack.pop()
                                                                stack[-1] = maximum(stack[-1], b)
                                                        else:
                                                            # 0xA6 f64.copysign
                                                            b = stack.pop()
                                                            stack[-1] = copysign(stack[-1], b)
                                        else:
                                            if op < 149:
                                                if op < 143:
                                                    if op < 140:
                                                        if op < 138:
                                                            if op < 137:
                                                                # 0xB2 f32.convert_i32_s
                                                                F[0] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB3 f32.convert_i32_u
                                                                F[0] = float(stack[-1])
                                                                stack[-1] = F[0]
                                                        else:
                                                            if op < 139:
                                                                # 0xB4 f32.convert_i64_s
                                                                F[0] = float_of_int(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB5 f32.convert_i64_u
                                                                F[0] = float_of_int(stack[-1])
                                                                stack[-1] = F[0]
                                                    else:
                                                        if op < 142:
                                                            if op < 141:
                                                                # 0xB6 f32.demote_f64
                                                                F[0] = stack[-1]
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB7 f64.convert_i32_s
                                                                stack[-1] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                        else:
                                                            # 0xB8 f64.convert_i32_u
                                                            stack[-1] = float(stack[-1])
                                                else:
                                                    if op < 146:
                                                        if op < 145:
                                                            if op < 144:
                                                                # 0xB9 f64.convert_i64_s
                                                                stack[-1] = float(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                            else:
                                                                # 0xBA f64.convert_i64_u
                                                                stack[-1] = float(stack[-1])
                                                        else:
                                                            # 0xBB f64.promote_f32
                                                            stack[-1] = stack[-1] * 1.0
                                                    else:
                                                        if op < 148:
                                                            if op < 147:
                                                                # 0xBC i32.reinterpret_f32
                                                                stack[-1] = bits_of_f32(stack[-1])
                                                            else:
                                                                # 0xBD i64.reinterpret_f64
                                                                stack[-1] = bits_of_f64(stack[-1])
                                                        else:
                                                            # 0xBE f32.reinterpret_i32
                                                            stack[-1] = f32_of_bits(stack[-1])
                                            else:
                                                if op < 161:
                                                    if op < 155:
                                                        if op < 152:
                                                            if op < 150:
                                                                # 0xBF f64.reinterpret_i64
                                                                stack[-1] = f64_of_bits(stack[-1])
                                                            else:
                                                                if op < 151:
                                                                    # 0x67 i32.clz
                                                                    stack[-1] = 32 - stack[-1].bit_length()
                                                                else:
                                                                    # 0x68 i32.ctz
                                                                    a = stack[-1]
                                                                    stack[-1] = (a & -a).bit_length() - 1 if a else 32
                                                        else:
                                                            if op < 154:
                                                                if op < 153:
                                                                    # 0x69 i32.popcnt
                                                                    stack[-1] = stack[-1].bit_count()
                                                                else:
                                                                    # 0xC0 i32.extend8_s
                                                                    stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFF
                                                            else:
                                                                # 0xC1 i32.extend16_s
                                                                stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFF
                                                    else:
                                                        if op < 158:
                                                            if op < 157:
                                                                if op < 156:
                                                                    # 0x79 i64.clz
                                                                    stack[-1] = 64 - stack[-1].bit_length()
                                                                else:
                                                                    # 0x7A i64.ctz
                                                                    a = stack[-1]
                                                                    stack[-1] = (a & -a).bit_length() - 1 if a else 64
                                                            else:
                                                                # 0x7B i64.popcnt
                                                                stack[-1] = stack[-1].bit_count()
                                                        else:
                                                            if op < 160:
                                                                if op < 159:
                                                                    # 0xC2 i64.extend8_s
                                                                    stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    # 0xC3 i64.extend16_s
                                                                    stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                # 0xC4 i64.extend32_s
                                                                stack[-1] = (((stack[-1] & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 168:
                                                        if op < 165:
                                                            if op < 163:
                                                                if op < 162:
                                                                    # 0x8B f32.abs
                                                                    stack[-1] = abs(stack[-1])
                                                                else:
                                                                    # 0x8C f32.neg
                                                                    stack[-1] = -stack[-1]
                                                            else:
                                                                if op < 164:
                                                                    # 0x8D f32.ceil
                                                                    stack[-1] = ceil(stack[-1])
                                                                else:
                                                                    # 0x8E f32.floor
                                                                    stack[-1] = floor(stack[-1])
                                                        else:
                                                            if op < 167:
                                                                if op < 166:
                                                                    # 0x8F f32.trunc
                                                                    stack[-1] = trunc(stack[-1])
                                                                else:
                                                                    # 0x90 f32.nearest
                                                                    stack[-1] = nearest(stack[-1])
                                                            else:
                                                                # 0x91 f32.sqrt
                                                                a = stack[-1]
                                                                F[0] = sqrt(a) if a >= 0.0 else NAN
                                                                stack[-1] = F[0]
                                                    else:
                                                        if op < 173:
                                                            if op < 170:
                                                                if op < 169:
                                                                    # unreachable
                                                                    raise Trap(UNREACHABLE)
                                                                else:
                                                                    # halt
                                                                    if fuel < 0:
                                                                        fuel = refill(fuel)
                                                                    meter.left = fuel
                                                                    return stack
                                                            else:
                                                                if op < 172:
                                                                    if op < 171:
                                                                        # 0x96 f32.min
                                                                        b = stack.pop()
                                                                        stack[-1] = minimum(stack[-1], b)
                                                                    else:
                                                                        # 0x97 f32.max
                                                                        b = stack.pop()
                                                                        stack[-1] = maximum(stack[-1], b)
                                                                else:
                                                                    # 0x98 f32.copysign
                                                                    b = stack.pop()
                                                                    stack[-1] = copysign(stack[-1], b)
                                                        else:
                                                            if op < 189:
                                                                if op < 181:
                                                                    if op < 177:
                                                                        if op < 175:
                                                                            if op < 174:
                                                                                # 0x3F memory.size
                                                                                stack.append(len(mem) >> 16)
                                                                            else:
                                                                                # 0x40 memory.grow
                                                                                a = stack[-1]
                                                                                r = memory.grow(a) & 0xFFFFFFFF
                                                                                stack[-1] = r
                                                                                fuel -= a if r != 0xFFFFFFFF else 0
                                                                                mem = memory.data
                                                                                fuel = meter.expire(fuel)
                                                                        else:
                                                                            if op < 176:
                                                                                # 0xFC 0x08 memory.init
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(datas[x[0]]) or a + c > len(mem):
                                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                mem[a:a + c] = datas[x[0]][b:b + c]
                                                                            else:
                                                                                # 0xFC 0x09 data.drop
                                                                                datas[x] = b''
                                                                    else:
                                                                        if op < 179:
                                                                            if op < 178:
                                                                                # 0x25 table.get
                                                                                stack[-1] = tables[x].elements[stack[-1]]
                                                                            else:
                                                                                # 0x26 table.set
                                                                                b = stack.pop()
                                                                                tables[x].elements[stack.pop()] = b
                                                                        else:
                                                                            if op < 180:
                                                                                # 0xD0 ref.null
                                                                                stack.append(None)
                                                                            else:
                                                                                # 0xD1 ref.is_null
                                                                                stack[-1] = 1 if stack[-1] is None else 0
                                                                else:
                                                                    if op < 185:
                                                                        if op < 183:
                                                                            if op < 182:
                                                                                # 0xD2 ref.func
                                                                                stack.append(funcs[x])
                                                                            else:
                                                                                # 0xFC 0x0C table.init
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(elems[x[0]]) or a + c > len(tables[x[1]].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x[1]].elements[a:a + c] = elems[x[0]][b:b + c]
                                                                        else:
                                                                            if op < 184:
                                                                                # 0xFC 0x0D elem.drop
                                                                                elems[x] = ()
                                                                            else:
                                                                                # 0xFC 0x0E table.copy
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(tables[x[1]].elements) or a + c > len(tables[x[0]].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x[0]].elements[a:a + c] = tables[x[1]].elements[b:b + c]
                                                                    else:
                                                                        if op < 187:
                                                                            if op < 186:
                                                                                # 0xFC 0x0F table.grow
                                                                                b = stack.pop()
                                                                                r = tables[x].extend(stack[-1], b) & 0xFFFFFFFF
                                                                                stack[-1] = r
                                                                                fuel -= b if r != 0xFFFFFFFF else 0
                                                                            else:
                                                                                # 0xFC 0x10 table.size
                                                                                stack.append(len(tables[x].elements))
                                                                        else:
                                                                            if op < 188:
                                                                                # 0xFC 0x11 table.fill
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if a + c > len(tables[x].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x].elements[a:a + c] = [b] * c
                                                                            else:
                                                                                # 0xA8 i32.trunc_f32_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -2147483649.0 < a < 2147483648.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                            else:
                                                                if op < 197:
                                                                    if op < 193:
                                                                        if op < 191:
                                                                            if op < 190:
                                                                                # 0xFC 0x00 i32.trunc_sat_f32_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xA9 i32.trunc_f32_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 4294967296.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 192:
                                                                                # 0xFC 0x01 i32.trunc_sat_f32_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAA i32.trunc_f64_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -2147483649.0 < a < 2147483648.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                    else:
                                                                        if op < 195:
                                                                            if op < 194:
                                                                                # 0xFC 0x02 i32.trunc_sat_f64_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAB i32.trunc_f64_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 4294967296.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 196:
                                                                                # 0xFC 0x03 i32.trunc_sat_f64_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAE i64.trunc_f32_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    if op < 201:
                                                                        if op < 199:
                                                                            if op < 198:
                                                                                # 0xFC 0x04 i64.trunc_sat_f32_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xAF i64.trunc_f32_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 18446744073709551616.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            if op < 200:
                                                                                # 0xFC 0x05 i64.trunc_sat_f32_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -1.0 < a < 18446744073709551616.0 else saturate(a, 0, 18446744073709551615) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xB0 i64.trunc_f64_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                    else:
                                                                        if op < 203:
                                                                            if op < 202:
                                                                                # 0xFC 0x06 i64.trunc_sat_f64_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xB1 i64.trunc_f64_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 18446744073709551616.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            # 0xFC 0x07 i64.trunc_sat_f64_u
                                                                            a = stack[-1]
                                                                            stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -1.0 < a < 18446744073709551616.0 else saturate(a, 0, 18446744073709551615) & 0xFFFFFFFFFFFFFFFF
    except BaseException as error:
        if fuel is not None:
            meter.left = fuel
        frames.append((operations, pc, stack, locals_, func))
        raise explain(error, execution, meter)


def step(execution, meter, turns):
    """Runs so many instructions; gives the results, or None if it has not ended."""
    frames = execution.frames
    refill = meter.refill
    depth = meter.depth
    fuel = meter.resume()
    F = memoryview(bytearray(4)).cast("f")
    operations, pc, stack, locals_, func = frames.pop()
    instance = func.instance
    funcs, tables, globs, memory, datas, elems = instance.environment
    mem = memory.data if memory is not None else None
    try:
        while True:
            if not turns:
                meter.left = fuel
                meter.depth = depth
                frames.append((operations, pc, stack, locals_, func))
                return None
            turns -= 1
            op, x = operations[pc]
            pc += 1
            if op < 5:
                if op < 1:
                    # 0x20 local.get
                    stack.append(locals_[x])
                else:
                    if op < 3:
                        if op < 2:
                            # 0x41 i32.const
                            stack.append(x)
                        else:
                            # 0x21 local.set
                            locals_[x] = stack.pop()
                    else:
                        if op < 4:
                            # 0x6A i32.add
                            b = stack.pop()
                            stack[-1] = (stack[-1] + b) & 0xFFFFFFFF
                        else:
                            # 0x22 local.tee
                            locals_[x] = stack[-1]
            else:
                if op < 20:
                    if op < 10:
                        if op < 7:
                            if op < 6:
                                # 0x28 i32.load
                                stack[-1] = load_u32(mem, stack[-1] + x)[0]
                            else:
                                # br_if
                                t, cost, fall = x
                                if stack.pop():
                                    pc = t
                                    fuel -= cost
                                else:
                                    fuel -= fall
                        else:
                            if op < 8:
                                # nop
                                pass
                            else:
                                if op < 9:
                                    # charge
                                    fuel -= x
                                else:
                                    # 0x7C i64.add
                                    b = stack.pop()
                                    stack[-1] = (stack[-1] + b) & 0xFFFFFFFFFFFFFFFF
                    else:
                        if op < 14:
                            if op < 12:
                                if op < 11:
                                    # 0x36 i32.store
                                    b = stack.pop()
                                    store_u32(mem, stack.pop() + x, b)
                                else:
                                    # 0x29 i64.load
                                    stack[-1] = load_u64(mem, stack[-1] + x)[0]
                            else:
                                if op < 13:
                                    # 0x2D i32.load8_u
                                    stack[-1] = mem[stack[-1] + x]
                                else:
                                    # 0x42 i64.const
                                    stack.append(x)
                        else:
                            if op < 17:
                                if op < 15:
                                    # 0x71 i32.and
                                    b = stack.pop()
                                    stack[-1] = stack[-1] & b
                                else:
                                    if op < 16:
                                        # br_if_loop
                                        t, cost, fall = x
                                        if stack.pop():
                                            pc = t
                                            fuel -= cost
                                            if fuel < 0:
                                                fuel = refill(fuel)
                                        else:
                                            fuel -= fall
                                    else:
                                        # 0x6B i32.sub
                                        b = stack.pop()
                                        stack[-1] = (stack[-1] - b) & 0xFFFFFFFF
                            else:
                                if op < 18:
                                    # 0x74 i32.shl
                                    b = stack.pop()
                                    stack[-1] = (stack[-1] << (b & 31)) & 0xFFFFFFFF
                                else:
                                    if op < 19:
                                        # 0x45 i32.eqz
                                        stack[-1] = 1 if not stack[-1] else 0
                                    else:
                                        # 0x23 global.get
                                        stack.append(globs[x].raw)
                else:
                    if op < 40:
                        if op < 28:
                            if op < 24:
                                if op < 22:
                                    if op < 21:
                                        # 0x37 i64.store
                                        b = stack.pop()
                                        store_u64(mem, stack.pop() + x, b)
                                    else:
                                        # if
                                        t, pc_else, cost = x
                                        if stack.pop():
                                            fuel -= t
                                        else:
                                            pc = pc_else
                                            fuel -= cost
                                else:
                                    if op < 23:
                                        # jump
                                        pc, cost = x
                                        fuel -= cost
                                    else:
                                        # return
                                        depth += func.code.depth
                                        r = stack
                                        operations, pc, stack, locals_, func = frames.pop()
                                        if x == 1:
                                            stack.append(r[-1])
                                        elif x:
                                            stack += r[-x:]
                                        if func.instance is not instance:
                                            instance = func.instance
                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                            mem = memory.data if memory is not None else None
                            else:
                                if op < 26:
                                    if op < 25:
                                        # call
                                        callee = funcs[x]
                                        code = callee.code
                                        if code is None:
                                            if callee.host is not None:
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                                meter.left, fuel, meter.depth = fuel, None, depth
                                                t = len(stack) - callee.nparams
                                                r = stack[t:]
                                                del stack[t:]
                                                stack += callee.call_host(instance, meter, r)
                                                fuel = meter.resume()
                                                mem = memory.data if memory is not None else None
                                                continue
                                            code = callee.instance.prepared(callee)
                                        depth -= code.depth
                                        if depth < 0:
                                            raise Trap(STACK_OVERFLOW)
                                        frames.append((operations, pc, stack, locals_, func))
                                        t = code.nparams
                                        if t:
                                            r = stack[-t:]
                                            del stack[-t:]
                                            locals_ = r + code.zeros
                                        else:
                                            locals_ = code.zeros[:]
                                        operations, pc, stack, func = code.operations, 0, [], callee
                                        if func.instance is not instance:
                                            instance = func.instance
                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                            mem = memory.data if memory is not None else None
                                        fuel -= code.entry
                                        if code.large:
                                            fuel = meter.expire(fuel)
                                        if fuel < 0:
                                            fuel = refill(fuel)
                                    else:
                                        # 0x2B f64.load
                                        stack[-1] = load_f64(mem, stack[-1] + x)[0]
                                else:
                                    if op < 27:
                                        # 0x73 i32.xor
                                        b = stack.pop()
                                        stack[-1] = stack[-1] ^ b
                                    else:
                                        # 0x76 i32.shr_u
                                        b = stack.pop()
                                        stack[-1] = stack[-1] >> (b & 31)
                        else:
                            if op < 33:
                                if op < 30:
                                    if op < 29:
                                        # jump_loop
                                        pc, cost = x
                                        fuel -= cost
                                        if fuel < 0:
                                            fuel = refill(fuel)
                                    else:
                                        # 0x46 i32.eq
                                        b = stack.pop()
                                        stack[-1] = 1 if stack[-1] == b else 0
                                else:
                                    if op < 32:
                                        if op < 31:
                                            # 0x47 i32.ne
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] != b else 0
                                        else:
                                            # 0x6C i32.mul
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] * b) & 0xFFFFFFFF
                                    else:
                                        # 0x72 i32.or
                                        b = stack.pop()
                                        stack[-1] = stack[-1] | b
                            else:
                                if op < 36:
                                    if op < 35:
                                        if op < 34:
                                            # 0x1B select
                                            c = stack.pop()
                                            b = stack.pop()
                                            stack[-1] = stack[-1] if c else b
                                        else:
                                            # 0x3A i32.store8
                                            b = stack.pop()
                                            mem[stack.pop() + x] = b & 255
                                    else:
                                        # 0x83 i64.and
                                        b = stack.pop()
                                        stack[-1] = stack[-1] & b
                                else:
                                    if op < 38:
                                        if op < 37:
                                            # 0xA0 f64.add
                                            b = stack.pop()
                                            stack[-1] = stack[-1] + b
                                        else:
                                            # 0xA1 f64.sub
                                            b = stack.pop()
                                            stack[-1] = stack[-1] - b
                                    else:
                                        if op < 39:
                                            # 0xA2 f64.mul
                                            b = stack.pop()
                                            stack[-1] = stack[-1] * b
                                        else:
                                            # 0x24 global.set
                                            globs[x].raw = stack.pop()
                    else:
                        if op < 60:
                            if op < 49:
                                if op < 45:
                                    if op < 43:
                                        if op < 42:
                                            if op < 41:
                                                # 0x48 i32.lt_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) < (b ^ 0x80000000) else 0
                                            else:
                                                # 0x49 i32.lt_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] < b else 0
                                        else:
                                            # 0x4A i32.gt_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) > (b ^ 0x80000000) else 0
                                    else:
                                        if op < 44:
                                            # 0x4B i32.gt_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] > b else 0
                                        else:
                                            # 0x4C i32.le_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) <= (b ^ 0x80000000) else 0
                                else:
                                    if op < 47:
                                        if op < 46:
                                            # 0x4D i32.le_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] <= b else 0
                                        else:
                                            # 0x4E i32.ge_s
                                            b = stack.pop()
                                            stack[-1] = 1 if (stack[-1] ^ 0x80000000) >= (b ^ 0x80000000) else 0
                                    else:
                                        if op < 48:
                                            # 0x4F i32.ge_u
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] >= b else 0
                                        else:
                                            # 0xAD i64.extend_i32_u
                                            pass
                            else:
                                if op < 54:
                                    if op < 51:
                                        if op < 50:
                                            # loop
                                            fuel -= x
                                            if fuel < 0:
                                                fuel = refill(fuel)
                                        else:
                                            # 0x7D i64.sub
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] - b) & 0xFFFFFFFFFFFFFFFF
                                    else:
                                        if op < 52:
                                            # 0x86 i64.shl
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] << (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                        else:
                                            if op < 53:
                                                # 0x50 i64.eqz
                                                stack[-1] = 1 if not stack[-1] else 0
                                            else:
                                                # 0x39 f64.store
                                                b = stack.pop()
                                                store_f64(mem, stack.pop() + x, b)
                                else:
                                    if op < 57:
                                        if op < 55:
                                            # 0xA7 i32.wrap_i64
                                            stack[-1] = stack[-1] & 0xFFFFFFFF
                                        else:
                                            if op < 56:
                                                # br_table
                                                t = stack.pop()
                                                pc, cost, loops, height, arity = x[t] if t < len(x) else x[-1]
                                                fuel -= cost
                                                if height >= 0:
                                                    del stack[height:len(stack) - arity]
                                                if loops:
                                                    if fuel < 0:
                                                        fuel = refill(fuel)
                                            else:
                                                # 0x1A drop
                                                stack.pop()
                                    else:
                                        if op < 59:
                                            if op < 58:
                                                # 0x35 i64.load32_u
                                                stack[-1] = load_u32(mem, stack[-1] + x)[0]
                                            else:
                                                # 0x75 i32.shr_s
                                                b = stack.pop()
                                                stack[-1] = (((stack[-1] ^ 0x80000000) - 0x80000000) >> (b & 31)) & 0xFFFFFFFF
                                        else:
                                            # 0x77 i32.rotl
                                            b = stack.pop()
                                            a = stack[-1]
                                            stack[-1] = (a << (b & 31) | a >> (32 - (b & 31))) & 0xFFFFFFFF
                        else:
                            if op < 81:
                                if op < 68:
                                    if op < 64:
                                        if op < 62:
                                            if op < 61:
                                                # 0x85 i64.xor
                                                b = stack.pop()
                                                stack[-1] = stack[-1] ^ b
                                            else:
                                                # 0x88 i64.shr_u
                                                b = stack.pop()
                                                stack[-1] = stack[-1] >> (b & 63)
                                        else:
                                            if op < 63:
                                                # 0x43 f32.const
                                                stack.append(x)
                                            else:
                                                # 0x44 f64.const
                                                stack.append(x)
                                    else:
                                        if op < 66:
                                            if op < 65:
                                                # call_indirect
                                                t = stack.pop()
                                                r = tables[x[1]].elements
                                                if t >= len(r):
                                                    raise Trap(TABLE_OUT_OF_BOUNDS, f"undefined element: index {t} of {len(r)}")
                                                callee = r[t]
                                                if callee is None:
                                                    raise Trap(INDIRECT_CALL_TO_NULL, f"uninitialized element: index {t}")
                                                if callee.type is not x[0] and callee.type != x[0]:
                                                    raise Trap(BAD_SIGNATURE, f"indirect call type mismatch: {callee.type}, not {x[0]}")
                                                code = callee.code
                                                if code is None:
                                                    if callee.host is not None:
                                                        if fuel < 0:
                                                            fuel = refill(fuel)
                                                        meter.left, fuel, meter.depth = fuel, None, depth
                                                        t = len(stack) - callee.nparams
                                                        r = stack[t:]
                                                        del stack[t:]
                                                        stack += callee.call_host(instance, meter, r)
                                                        fuel = meter.resume()
                                                        mem = memory.data if memory is not None else None
                                                        continue
                                                    code = callee.instance.prepared(callee)
                                                depth -= code.depth
                                                if depth < 0:
                                                    raise Trap(STACK_OVERFLOW)
                                                frames.append((operations, pc, stack, locals_, func))
                                                t = code.nparams
                                                if t:
                                                    r = stack[-t:]
                                                    del stack[-t:]
                                                    locals_ = r + code.zeros
                                                else:
                                                    locals_ = code.zeros[:]
                                                operations, pc, stack, func = code.operations, 0, [], callee
                                                if func.instance is not instance:
                                                    instance = func.instance
                                                    funcs, tables, globs, memory, datas, elems = instance.environment
                                                    mem = memory.data if memory is not None else None
                                                fuel -= code.entry
                                                if code.large:
                                                    fuel = meter.expire(fuel)
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                            else:
                                                # 0x51 i64.eq
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] == b else 0
                                        else:
                                            if op < 67:
                                                # 0x52 i64.ne
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] != b else 0
                                            else:
                                                # 0x7E i64.mul
                                                b = stack.pop()
                                                stack[-1] = (stack[-1] * b) & 0xFFFFFFFFFFFFFFFF
                                else:
                                    if op < 74:
                                        if op < 71:
                                            if op < 69:
                                                # 0x84 i64.or
                                                b = stack.pop()
                                                stack[-1] = stack[-1] | b
                                            else:
                                                if op < 70:
                                                    # 0x2A f32.load
                                                    a = stack[-1]
                                                    stack[-1] = t if (t := load_f32(mem, a + x)[0]) == t else f32_of_bits(load_u32(mem, a + x)[0])
                                                else:
                                                    # 0x2C i32.load8_s
                                                    stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFF00
                                        else:
                                            if op < 73:
                                                if op < 72:
                                                    # 0x2F i32.load16_u
                                                    stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    # 0x31 i64.load8_u
                                                    stack[-1] = mem[stack[-1] + x]
                                            else:
                                                # 0x3E i64.store32
                                                b = stack.pop()
                                                store_u32(mem, stack.pop() + x, b & 0xFFFFFFFF)
                                    else:
                                        if op < 78:
                                            if op < 76:
                                                if op < 75:
                                                    # 0x53 i64.lt_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) < (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x54 i64.lt_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] < b else 0
                                            else:
                                                if op < 77:
                                                    # 0x55 i64.gt_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) > (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x56 i64.gt_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] > b else 0
                                        else:
                                            if op < 80:
                                                if op < 79:
                                                    # 0x57 i64.le_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) <= (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x58 i64.le_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] <= b else 0
                                            else:
                                                # 0x59 i64.ge_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) >= (b ^ 0x8000000000000000) else 0
                            else:
                                if op < 101:
                                    if op < 90:
                                        if op < 85:
                                            if op < 83:
                                                if op < 82:
                                                    # 0x5A i64.ge_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    # 0x92 f32.add
                                                    b = stack.pop()
                                                    F[0] = stack[-1] + b
                                                    stack[-1] = F[0]
                                            else:
                                                if op < 84:
                                                    # 0x93 f32.sub
                                                    b = stack.pop()
                                                    F[0] = stack[-1] - b
                                                    stack[-1] = F[0]
                                                else:
                                                    # 0x94 f32.mul
                                                    b = stack.pop()
                                                    F[0] = stack[-1] * b
                                                    stack[-1] = F[0]
                                        else:
                                            if op < 88:
                                                if op < 87:
                                                    if op < 86:
                                                        # 0x2E i32.load16_s
                                                        stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFF
                                                    else:
                                                        # 0x30 i64.load8_s
                                                        stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFFFFFFFFFF00
                                                else:
                                                    # 0x32 i64.load16_s
                                                    stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 89:
                                                    # 0x33 i64.load16_u
                                                    stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    # 0x34 i64.load32_s
                                                    stack[-1] = load_i32(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                    else:
                                        if op < 96:
                                            if op < 93:
                                                if op < 92:
                                                    if op < 91:
                                                        # 0x38 f32.store
                                                        b = stack.pop()
                                                        a = stack.pop()
                                                        store_f32(mem, a + x, b) if b == b else store_u32(mem, a + x, bits_of_f32(b))
                                                    else:
                                                        # 0x3B i32.store16
                                                        b = stack.pop()
                                                        store_u16(mem, stack.pop() + x, b & 65535)
                                                else:
                                                    # 0x3C i64.store8
                                                    b = stack.pop()
                                                    mem[stack.pop() + x] = b & 255
                                            else:
                                                if op < 95:
                                                    if op < 94:
                                                        # 0x3D i64.store16
                                                        b = stack.pop()
                                                        store_u16(mem, stack.pop() + x, b & 65535)
                                                    else:
                                                        # 0x6D i32.div_s
                                                        b = stack.pop()
                                                        a = stack[-1]
                                                        if not b:
                                                            raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                        if b == 0xFFFFFFFF and a == 0x80000000:
                                                            raise Trap(INTEGER_OVERFLOW)
                                                        stack[-1] = divide(((a ^ 0x80000000) - 0x80000000), ((b ^ 0x80000000) - 0x80000000)) & 0xFFFFFFFF
                                                else:
                                                    # 0x6E i32.div_u
                                                    b = stack.pop()
                                                    stack[-1] = stack[-1] // b
                                        else:
                                            if op < 99:
                                                if op < 98:
                                                    if op < 97:
                                                        # 0x6F i32.rem_s
                                                        b = stack.pop()
                                                        if not b:
                                                            raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                        stack[-1] = remainder(((stack[-1] ^ 0x80000000) - 0x80000000), ((b ^ 0x80000000) - 0x80000000)) & 0xFFFFFFFF
                                                    else:
                                                        # 0x70 i32.rem_u
                                                        b = stack.pop()
                                                        stack[-1] = stack[-1] % b
                                                else:
                                                    # 0x78 i32.rotr
                                                    b = stack.pop()
                                                    a = stack[-1]
                                                    stack[-1] = (a >> (b & 31) | a << (32 - (b & 31))) & 0xFFFFFFFF
                                            else:
                                                if op < 100:
                                                    # 0x61 f64.eq
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] == b else 0
                                                else:
                                                    # 0x62 f64.ne
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] != b else 0
                                else:
                                    if op < 116:
                                        if op < 106:
                                            if op < 104:
                                                if op < 103:
                                                    if op < 102:
                                                        # 0x63 f64.lt
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] < b else 0
                                                    else:
                                                        # 0x64 f64.gt
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] > b else 0
                                                else:
                                                    # 0x65 f64.le
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] <= b else 0
                                            else:
                                                if op < 105:
                                                    # 0x66 f64.ge
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    # 0xA3 f64.div
                                                    b = stack.pop()
                                                    a = stack[-1]
                                                    stack[-1] = a / b if b else divide_by_zero(a, b)
                                        else:
                                            if op < 109:
                                                if op < 107:
                                                    # 0xAC i64.extend_i32_s
                                                    stack[-1] = ((stack[-1] ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 108:
                                                        # 0x87 i64.shr_s
                                                        b = stack.pop()
                                                        stack[-1] = (((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000) >> (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        # 0x89 i64.rotl
                                                        b = stack.pop()
                                                        a = stack[-1]
                                                        stack[-1] = (a << (b & 63) | a >> (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 112:
                                                    if op < 111:
                                                        if op < 110:
                                                            # 0x1C select
                                                            c = stack.pop()
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] if c else b
                                                        else:
                                                            # br_unwind
                                                            (pc, cost, loops, height, arity), t = x
                                                            fuel -= cost
                                                            if height >= 0:
                                                                del stack[height:len(stack) - arity]
                                                            if loops:
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                    else:
                                                        # br_if_unwind
                                                        t, fall = x
                                                        if stack.pop():
                                                            pc, cost, loops, height, arity = t
                                                            fuel -= cost
                                                            if height >= 0:
                                                                del stack[height:len(stack) - arity]
                                                            if loops and fuel < 0:
                                                                fuel = refill(fuel)
                                                        else:
                                                            fuel -= fall
                                                else:
                                                    if op < 114:
                                                        if op < 113:
                                                            # 0x99 f64.abs
                                                            stack[-1] = abs(stack[-1])
                                                        else:
                                                            # 0x9A f64.neg
                                                            stack[-1] = -stack[-1]
                                                    else:
                                                        if op < 115:
                                                            # 0x9B f64.ceil
                                                            stack[-1] = ceil(stack[-1])
                                                        else:
                                                            # 0x9C f64.floor
                                                            stack[-1] = floor(stack[-1])
                                    else:
                                        if op < 136:
                                            if op < 124:
                                                if op < 120:
                                                    if op < 118:
                                                        if op < 117:
                                                            # 0x9D f64.trunc
                                                            stack[-1] = trunc(stack[-1])
                                                        else:
                                                            # 0x9E f64.nearest
                                                            stack[-1] = nearest(stack[-1])
                                                    else:
                                                        if op < 119:
                                                            # 0x9F f64.sqrt
                                                            a = stack[-1]
                                                            stack[-1] = sqrt(a) if a >= 0.0 else NAN
                                                        else:
                                                            # 0x7F i64.div_s
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            if not b:
                                                                raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                            if b == 0xFFFFFFFFFFFFFFFF and a == 0x8000000000000000:
                                                                raise Trap(INTEGER_OVERFLOW)
                                                            stack[-1] = divide(((a ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 122:
                                                        if op < 121:
                                                            # 0x80 i64.div_u
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] // b
                                                        else:
                                                            # 0x81 i64.rem_s
                                                            b = stack.pop()
                                                            if not b:
                                                                raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                            stack[-1] = remainder(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        if op < 123:
                                                            # 0x82 i64.rem_u
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] % b
                                                        else:
                                                            # 0x8A i64.rotr
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            stack[-1] = (a >> (b & 63) | a << (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                if op < 130:
                                                    if op < 127:
                                                        if op < 126:
                                                            if op < 125:
                                                                # 0x5B f32.eq
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] == b else 0
                                                            else:
                                                                # 0x5C f32.ne
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] != b else 0
                                                        else:
                                                            # 0x5D f32.lt
                                                            b = stack.pop()
                                                            stack[-1] = 1 if stack[-1] < b else 0
                                                    else:
                                                        if op < 129:
                                                            if op < 128:
                                                                # 0x5E f32.gt
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] > b else 0
                                                            else:
                                                                # 0x5F f32.le
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] <= b else 0
                                                        else:
                                                            # 0x60 f32.ge
                                                            b = stack.pop()
                                                            stack[-1] = 1 if stack[-1] >= b else 0
                                                else:
                                                    if op < 133:
                                                        if op < 131:
                                                            # 0x95 f32.div
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            F[0] = a / b if b else divide_by_zero(a, b)
                                                            stack[-1] = F[0]
                                                        else:
                                                            if op < 132:
                                                                # 0xFC 0x0A memory.copy
                                                                c = stack.pop()
                                                                b = stack.pop()
                                                                a = stack.pop()
                                                                if a + c > len(mem) or b + c > len(mem):
                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                fuel -= c
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                mem[a:a + c] = mem[b:b + c]
                                                            else:
                                                                # 0xFC 0x0B memory.fill
                                                                c = stack.pop()
                                                                b = stack.pop()
                                                                a = stack.pop()
                                                                if a + c > len(mem):
                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                fuel -= c
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                mem[a:a + c] = bytes((b & 255,)) * c
                                                    else:
                                                        if op < 135:
                                                            if op < 134:
                                                                # 0xA4 f64.min
                                                                b = stack.pop()
                                                                stack[-1] = minimum(stack[-1], b)
                                                            else:
                                                                # 0xA5 f64.max
                                                                b = stack.pop()
                                                                stack[-1] = maximum(stack[-1], b)
                                                        else:
                                                            # 0xA6 f64.copysign
                                                            b = stack.pop()
                                                            stack[-1] = copysign(stack[-1], b)
                                        else:
                                            if op < 149:
                                                if op < 143:
                                                    if op < 140:
                                                        if op < 138:
                                                            if op < 137:
                                                                # 0xB2 f32.convert_i32_s
                                                                F[0] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB3 f32.convert_i32_u
                                                                F[0] = float(stack[-1])
                                                                stack[-1] = F[0]
                                                        else:
                                                            if op < 139:
                                                                # 0xB4 f32.convert_i64_s
                                                                F[0] = float_of_int(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB5 f32.convert_i64_u
                                                                F[0] = float_of_int(stack[-1])
                                                                stack[-1] = F[0]
                                                    else:
                                                        if op < 142:
                                                            if op < 141:
                                                                # 0xB6 f32.demote_f64
                                                                F[0] = stack[-1]
                                                                stack[-1] = F[0]
                                                            else:
                                                                # 0xB7 f64.convert_i32_s
                                                                stack[-1] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                        else:
                                                            # 0xB8 f64.convert_i32_u
                                                            stack[-1] = float(stack[-1])
                                                else:
                                                    if op < 146:
                                                        if op < 145:
                                                            if op < 144:
                                                                # 0xB9 f64.convert_i64_s
                                                                stack[-1] = float(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                            else:
                                                                # 0xBA f64.convert_i64_u
                                                                stack[-1] = float(stack[-1])
                                                        else:
                                                            # 0xBB f64.promote_f32
                                                            stack[-1] = stack[-1] * 1.0
                                                    else:
                                                        if op < 148:
                                                            if op < 147:
                                                                # 0xBC i32.reinterpret_f32
                                                                stack[-1] = bits_of_f32(stack[-1])
                                                            else:
                                                                # 0xBD i64.reinterpret_f64
                                                                stack[-1] = bits_of_f64(stack[-1])
                                                        else:
                                                            # 0xBE f32.reinterpret_i32
                                                            stack[-1] = f32_of_bits(stack[-1])
                                            else:
                                                if op < 161:
                                                    if op < 155:
                                                        if op < 152:
                                                            if op < 150:
                                                                # 0xBF f64.reinterpret_i64
                                                                stack[-1] = f64_of_bits(stack[-1])
                                                            else:
                                                                if op < 151:
                                                                    # 0x67 i32.clz
                                                                    stack[-1] = 32 - stack[-1].bit_length()
                                                                else:
                                                                    # 0x68 i32.ctz
                                                                    a = stack[-1]
                                                                    stack[-1] = (a & -a).bit_length() - 1 if a else 32
                                                        else:
                                                            if op < 154:
                                                                if op < 153:
                                                                    # 0x69 i32.popcnt
                                                                    stack[-1] = stack[-1].bit_count()
                                                                else:
                                                                    # 0xC0 i32.extend8_s
                                                                    stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFF
                                                            else:
                                                                # 0xC1 i32.extend16_s
                                                                stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFF
                                                    else:
                                                        if op < 158:
                                                            if op < 157:
                                                                if op < 156:
                                                                    # 0x79 i64.clz
                                                                    stack[-1] = 64 - stack[-1].bit_length()
                                                                else:
                                                                    # 0x7A i64.ctz
                                                                    a = stack[-1]
                                                                    stack[-1] = (a & -a).bit_length() - 1 if a else 64
                                                            else:
                                                                # 0x7B i64.popcnt
                                                                stack[-1] = stack[-1].bit_count()
                                                        else:
                                                            if op < 160:
                                                                if op < 159:
                                                                    # 0xC2 i64.extend8_s
                                                                    stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    # 0xC3 i64.extend16_s
                                                                    stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                # 0xC4 i64.extend32_s
                                                                stack[-1] = (((stack[-1] & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 168:
                                                        if op < 165:
                                                            if op < 163:
                                                                if op < 162:
                                                                    # 0x8B f32.abs
                                                                    stack[-1] = abs(stack[-1])
                                                                else:
                                                                    # 0x8C f32.neg
                                                                    stack[-1] = -stack[-1]
                                                            else:
                                                                if op < 164:
                                                                    # 0x8D f32.ceil
                                                                    stack[-1] = ceil(stack[-1])
                                                                else:
                                                                    # 0x8E f32.floor
                                                                    stack[-1] = floor(stack[-1])
                                                        else:
                                                            if op < 167:
                                                                if op < 166:
                                                                    # 0x8F f32.trunc
                                                                    stack[-1] = trunc(stack[-1])
                                                                else:
                                                                    # 0x90 f32.nearest
                                                                    stack[-1] = nearest(stack[-1])
                                                            else:
                                                                # 0x91 f32.sqrt
                                                                a = stack[-1]
                                                                F[0] = sqrt(a) if a >= 0.0 else NAN
                                                                stack[-1] = F[0]
                                                    else:
                                                        if op < 173:
                                                            if op < 170:
                                                                if op < 169:
                                                                    # unreachable
                                                                    raise Trap(UNREACHABLE)
                                                                else:
                                                                    # halt
                                                                    if fuel < 0:
                                                                        fuel = refill(fuel)
                                                                    meter.left = fuel
                                                                    return stack
                                                            else:
                                                                if op < 172:
                                                                    if op < 171:
                                                                        # 0x96 f32.min
                                                                        b = stack.pop()
                                                                        stack[-1] = minimum(stack[-1], b)
                                                                    else:
                                                                        # 0x97 f32.max
                                                                        b = stack.pop()
                                                                        stack[-1] = maximum(stack[-1], b)
                                                                else:
                                                                    # 0x98 f32.copysign
                                                                    b = stack.pop()
                                                                    stack[-1] = copysign(stack[-1], b)
                                                        else:
                                                            if op < 189:
                                                                if op < 181:
                                                                    if op < 177:
                                                                        if op < 175:
                                                                            if op < 174:
                                                                                # 0x3F memory.size
                                                                                stack.append(len(mem) >> 16)
                                                                            else:
                                                                                # 0x40 memory.grow
                                                                                a = stack[-1]
                                                                                r = memory.grow(a) & 0xFFFFFFFF
                                                                                stack[-1] = r
                                                                                fuel -= a if r != 0xFFFFFFFF else 0
                                                                                mem = memory.data
                                                                                fuel = meter.expire(fuel)
                                                                        else:
                                                                            if op < 176:
                                                                                # 0xFC 0x08 memory.init
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(datas[x[0]]) or a + c > len(mem):
                                                                                    raise Trap(MEMORY_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                mem[a:a + c] = datas[x[0]][b:b + c]
                                                                            else:
                                                                                # 0xFC 0x09 data.drop
                                                                                datas[x] = b''
                                                                    else:
                                                                        if op < 179:
                                                                            if op < 178:
                                                                                # 0x25 table.get
                                                                                stack[-1] = tables[x].elements[stack[-1]]
                                                                            else:
                                                                                # 0x26 table.set
                                                                                b = stack.pop()
                                                                                tables[x].elements[stack.pop()] = b
                                                                        else:
                                                                            if op < 180:
                                                                                # 0xD0 ref.null
                                                                                stack.append(None)
                                                                            else:
                                                                                # 0xD1 ref.is_null
                                                                                stack[-1] = 1 if stack[-1] is None else 0
                                                                else:
                                                                    if op < 185:
                                                                        if op < 183:
                                                                            if op < 182:
                                                                                # 0xD2 ref.func
                                                                                stack.append(funcs[x])
                                                                            else:
                                                                                # 0xFC 0x0C table.init
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(elems[x[0]]) or a + c > len(tables[x[1]].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x[1]].elements[a:a + c] = elems[x[0]][b:b + c]
                                                                        else:
                                                                            if op < 184:
                                                                                # 0xFC 0x0D elem.drop
                                                                                elems[x] = ()
                                                                            else:
                                                                                # 0xFC 0x0E table.copy
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if b + c > len(tables[x[1]].elements) or a + c > len(tables[x[0]].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x[0]].elements[a:a + c] = tables[x[1]].elements[b:b + c]
                                                                    else:
                                                                        if op < 187:
                                                                            if op < 186:
                                                                                # 0xFC 0x0F table.grow
                                                                                b = stack.pop()
                                                                                r = tables[x].extend(stack[-1], b) & 0xFFFFFFFF
                                                                                stack[-1] = r
                                                                                fuel -= b if r != 0xFFFFFFFF else 0
                                                                            else:
                                                                                # 0xFC 0x10 table.size
                                                                                stack.append(len(tables[x].elements))
                                                                        else:
                                                                            if op < 188:
                                                                                # 0xFC 0x11 table.fill
                                                                                c = stack.pop()
                                                                                b = stack.pop()
                                                                                a = stack.pop()
                                                                                if a + c > len(tables[x].elements):
                                                                                    raise Trap(TABLE_OUT_OF_BOUNDS)
                                                                                fuel -= c
                                                                                if fuel < 0:
                                                                                    fuel = refill(fuel)
                                                                                tables[x].elements[a:a + c] = [b] * c
                                                                            else:
                                                                                # 0xA8 i32.trunc_f32_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -2147483649.0 < a < 2147483648.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                            else:
                                                                if op < 197:
                                                                    if op < 193:
                                                                        if op < 191:
                                                                            if op < 190:
                                                                                # 0xFC 0x00 i32.trunc_sat_f32_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xA9 i32.trunc_f32_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 4294967296.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 192:
                                                                                # 0xFC 0x01 i32.trunc_sat_f32_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAA i32.trunc_f64_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -2147483649.0 < a < 2147483648.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                    else:
                                                                        if op < 195:
                                                                            if op < 194:
                                                                                # 0xFC 0x02 i32.trunc_sat_f64_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAB i32.trunc_f64_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 4294967296.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 196:
                                                                                # 0xFC 0x03 i32.trunc_sat_f64_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                # 0xAE i64.trunc_f32_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    if op < 201:
                                                                        if op < 199:
                                                                            if op < 198:
                                                                                # 0xFC 0x04 i64.trunc_sat_f32_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xAF i64.trunc_f32_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 18446744073709551616.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            if op < 200:
                                                                                # 0xFC 0x05 i64.trunc_sat_f32_u
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -1.0 < a < 18446744073709551616.0 else saturate(a, 0, 18446744073709551615) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xB0 i64.trunc_f64_s
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                    else:
                                                                        if op < 203:
                                                                            if op < 202:
                                                                                # 0xFC 0x06 i64.trunc_sat_f64_s
                                                                                a = stack[-1]
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                # 0xB1 i64.trunc_f64_u
                                                                                a = stack[-1]
                                                                                if a != a:
                                                                                    raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                if not -1.0 < a < 18446744073709551616.0:
                                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                                stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            # 0xFC 0x07 i64.trunc_sat_f64_u
                                                                            a = stack[-1]
                                                                            stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -1.0 < a < 18446744073709551616.0 else saturate(a, 0, 18446744073709551615) & 0xFFFFFFFFFFFFFFFF
    except BaseException as error:
        if fuel is not None:
            meter.left = fuel
        frames.append((operations, pc, stack, locals_, func))
        raise explain(error, execution, meter)
