"""A dispatch loop, generated from the rows of ``isa`` by ``dispatch``: do not edit.

``python -m pywasmgk.wasm.interpreter.dispatch`` writes this file anew.
"""

# ruff: noqa
# mypy: ignore-errors

from pywasmgk.wasm.interpreter.loop_names import *


def step(execution, meter, turns):
    """Runs so many instructions; gives the results, or None if it has not ended."""
    frames = execution.frames
    refill = meter.refill
    hot = is_never_hot
    depth = meter.depth
    fuel = meter.left
    F = memoryview(bytearray(4)).cast("f")
    operations, pc, stack, locals_, func = frames.pop()
    instance = func.instance
    funcs, tables, globs, memory, datas, elems = instance.environment
    mem = memory.data if memory is not None else None
    while True:
        try:
            while True:
                op, x = operations[pc]
                if not turns:
                    execution.turns = 0
                    meter.left = fuel
                    meter.depth = depth
                    frames.append((operations, pc, stack, locals_, func))
                    return None
                turns -= 1
                pc += 1
                if op < 3:
                    if op < 1:
                        if op < 0:
                            if op < -3:
                                if op < -6:
                                    if op < -8:
                                        if op < -10:
                                            if op < -12:
                                                if op < -13:
                                                    if op < -15:
                                                        if op < -18:
                                                            if op < -22:
                                                                if op < -24:
                                                                    if op < -25:
                                                                        # return_call
                                                                        callee = funcs[x]
                                                                        t = len(stack) - callee.nparams
                                                                        r = stack[t:]
                                                                        a = instance
                                                                        b = func
                                                                        depth += func.code.depth
                                                                        operations, pc, stack, locals_, func = frames.pop()
                                                                        if func.instance is not instance:
                                                                            instance = func.instance
                                                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                                                            mem = memory.data if memory is not None else None
                                                                        code = execution.code_of(callee, meter)
                                                                        if code is None:
                                                                            if fuel < 0:
                                                                                if callee.host is not None:
                                                                                    fuel = refill(fuel)
                                                                                else:
                                                                                    meter.note(fuel)
                                                                            meter.left, fuel, meter.depth = fuel, None, depth
                                                                            stack += execution.outside(callee)(a, meter, r)
                                                                            fuel = meter.left
                                                                            mem = memory.data if memory is not None else None
                                                                            continue
                                                                        stack += r
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
                                                                            # a slice that was used up before the call was used up by the caller
                                                                            r = func if fuel + code.entry >= 0 else frames[-1][4]
                                                                            fuel = refill(fuel)
                                                                            hot(r, 0, 0, meter)
                                                                    else:
                                                                        # return_call_indirect
                                                                        t = stack.pop()
                                                                        r = tables[x[1]].elements
                                                                        if t >= len(r):
                                                                            raise undefined(t, len(r))
                                                                        callee = r[t]
                                                                        if callee is None:
                                                                            raise uninitialized(t, len(r))
                                                                        if callee.type is not x[0] and callee.type != x[0]:
                                                                            raise mismatched(t, len(r), callee.type, x[0])
                                                                        t = len(stack) - callee.nparams
                                                                        r = stack[t:]
                                                                        a = instance
                                                                        b = func
                                                                        depth += func.code.depth
                                                                        operations, pc, stack, locals_, func = frames.pop()
                                                                        if func.instance is not instance:
                                                                            instance = func.instance
                                                                            funcs, tables, globs, memory, datas, elems = instance.environment
                                                                            mem = memory.data if memory is not None else None
                                                                        code = execution.code_of(callee, meter)
                                                                        if code is None:
                                                                            if fuel < 0:
                                                                                if callee.host is not None:
                                                                                    fuel = refill(fuel)
                                                                                else:
                                                                                    meter.note(fuel)
                                                                            meter.left, fuel, meter.depth = fuel, None, depth
                                                                            stack += execution.outside(callee)(a, meter, r)
                                                                            fuel = meter.left
                                                                            mem = memory.data if memory is not None else None
                                                                            continue
                                                                        stack += r
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
                                                                            # a slice that was used up before the call was used up by the caller
                                                                            r = func if fuel + code.entry >= 0 else frames[-1][4]
                                                                            fuel = refill(fuel)
                                                                            hot(r, 0, 0, meter)
                                                                else:
                                                                    if op < -23:
                                                                        # unreachable
                                                                        raise Trap(UNREACHABLE)
                                                                    else:
                                                                        # throw
                                                                        t, r = x
                                                                        raise thrown(instance.tags[t], stack[len(stack) - r:])
                                                            else:
                                                                if op < -20:
                                                                    if op < -21:
                                                                        # throw_ref
                                                                        t = stack.pop()
                                                                        if t is None:
                                                                            raise Trap(NULL_EXCEPTION)
                                                                        raise thrown(*t)
                                                                    else:
                                                                        # rethrow
                                                                        raise thrown(*stack[x])
                                                                else:
                                                                    if op < -19:
                                                                        # enter
                                                                        callee, code = func, func.code
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
                                                                            # a slice that was used up before the call was used up by the caller
                                                                            r = func if fuel + code.entry >= 0 else frames[-1][4]
                                                                            fuel = refill(fuel)
                                                                            hot(r, 0, 0, meter)
                                                                    else:
                                                                        # again
                                                                        operations, pc = func.instance.tiers.prepare(func).operations, 0
                                                        else:
                                                            if op < -16:
                                                                if op < -17:
                                                                    # stop
                                                                    meter.left, meter.depth = fuel, depth
                                                                    frames.append((operations, pc - 1, stack, locals_, func))
                                                                    execution.turns = turns + 1
                                                                    execution.stopped = True
                                                                    return None
                                                                else:
                                                                    # halt
                                                                    meter.left, meter.depth = fuel, depth
                                                                    execution.turns = turns
                                                                    return stack
                                                            else:
                                                                # loop_skip
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                    if hot(func, pc, len(stack), meter):
                                                                        meter.left, meter.depth = fuel, depth
                                                                        frames.append((operations, pc, stack, locals_, func))
                                                                        return None
                                                    else:
                                                        if op < -14:
                                                            # br_unwind
                                                            (pc, cost, loops, height, arity), t = x
                                                            fuel -= cost
                                                            if height >= 0:
                                                                del stack[height:len(stack) - arity]
                                                            if loops:
                                                                if fuel < 0:
                                                                    fuel = refill(fuel)
                                                                    if hot(func, pc, len(stack), meter):
                                                                        meter.left, meter.depth = fuel, depth
                                                                        frames.append((operations, pc, stack, locals_, func))
                                                                        return None
                                                        else:
                                                            # br_if_unwind
                                                            t, fall = x
                                                            if stack.pop():
                                                                pc, cost, loops, height, arity = t
                                                                fuel -= cost
                                                                if height >= 0:
                                                                    del stack[height:len(stack) - arity]
                                                                if loops:
                                                                    if fuel < 0:
                                                                        fuel = refill(fuel)
                                                                        if hot(func, pc, len(stack), meter):
                                                                            meter.left, meter.depth = fuel, depth
                                                                            frames.append((operations, pc, stack, locals_, func))
                                                                            return None
                                                            else:
                                                                fuel -= fall
                                                else:
                                                    # call_indirect
                                                    t = stack.pop()
                                                    r = tables[x[1]].elements
                                                    if t >= len(r):
                                                        raise undefined(t, len(r))
                                                    callee = r[t]
                                                    if callee is None:
                                                        raise uninitialized(t, len(r))
                                                    if callee.type is not x[0] and callee.type != x[0]:
                                                        raise mismatched(t, len(r), callee.type, x[0])
                                                    code = execution.code_of(callee, meter)
                                                    if code is None:
                                                        if fuel < 0:
                                                            if callee.host is not None:
                                                                fuel = refill(fuel)
                                                            else:
                                                                meter.note(fuel)
                                                        meter.left, fuel, meter.depth = fuel, None, depth
                                                        t = len(stack) - callee.nparams
                                                        r = stack[t:]
                                                        del stack[t:]
                                                        stack += execution.outside(callee)(instance, meter, r)
                                                        fuel = meter.left
                                                        mem = memory.data if memory is not None else None
                                                        continue
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
                                                        # a slice that was used up before the call was used up by the caller
                                                        r = func if fuel + code.entry >= 0 else frames[-1][4]
                                                        fuel = refill(fuel)
                                                        hot(r, 0, 0, meter)
                                            else:
                                                if op < -11:
                                                    # br_table
                                                    t = stack.pop()
                                                    pc, cost, loops, height, arity = x[t] if t < len(x) else x[-1]
                                                    fuel -= cost
                                                    if height >= 0:
                                                        del stack[height:len(stack) - arity]
                                                    if loops:
                                                        if fuel < 0:
                                                            fuel = refill(fuel)
                                                            if hot(func, pc, len(stack), meter):
                                                                meter.left, meter.depth = fuel, depth
                                                                frames.append((operations, pc, stack, locals_, func))
                                                                return None
                                                else:
                                                    # skip
                                                    pass
                                        else:
                                            if op < -9:
                                                # loop
                                                fuel -= x
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                                    if hot(func, pc, len(stack), meter):
                                                        meter.left, meter.depth = fuel, depth
                                                        frames.append((operations, pc, stack, locals_, func))
                                                        return None
                                            else:
                                                # jump_loop
                                                pc, cost = x
                                                fuel -= cost
                                                if fuel < 0:
                                                    fuel = refill(fuel)
                                                    if hot(func, pc, len(stack), meter):
                                                        meter.left, meter.depth = fuel, depth
                                                        frames.append((operations, pc, stack, locals_, func))
                                                        return None
                                    else:
                                        if op < -7:
                                            # if
                                            t, pc_else, cost = x
                                            if stack.pop():
                                                fuel -= t
                                            else:
                                                pc = pc_else
                                                fuel -= cost
                                        else:
                                            # jump
                                            pc, cost = x
                                            fuel -= cost
                                else:
                                    if op < -4:
                                        if op < -5:
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
                                            # call
                                            callee = funcs[x]
                                            code = execution.code_of(callee, meter)
                                            if code is None:
                                                if fuel < 0:
                                                    if callee.host is not None:
                                                        fuel = refill(fuel)
                                                    else:
                                                        meter.note(fuel)
                                                meter.left, fuel, meter.depth = fuel, None, depth
                                                t = len(stack) - callee.nparams
                                                r = stack[t:]
                                                del stack[t:]
                                                stack += execution.outside(callee)(instance, meter, r)
                                                fuel = meter.left
                                                mem = memory.data if memory is not None else None
                                                continue
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
                                                # a slice that was used up before the call was used up by the caller
                                                r = func if fuel + code.entry >= 0 else frames[-1][4]
                                                fuel = refill(fuel)
                                                hot(r, 0, 0, meter)
                                    else:
                                        # br_if_loop
                                        t, cost, fall = x
                                        if stack.pop():
                                            pc = t
                                            fuel -= cost
                                            if fuel < 0:
                                                fuel = refill(fuel)
                                                if hot(func, pc, len(stack), meter):
                                                    meter.left, meter.depth = fuel, depth
                                                    frames.append((operations, pc, stack, locals_, func))
                                                    return None
                                        else:
                                            fuel -= fall
                            else:
                                if op < -1:
                                    if op < -2:
                                        # nop
                                        pass
                                    else:
                                        # charge
                                        fuel -= x
                                else:
                                    # br_if
                                    t, cost, fall = x
                                    if stack.pop():
                                        pc = t
                                        fuel -= cost
                                    else:
                                        fuel -= fall
                        else:
                            # 0x20 local.get
                            stack.append(locals_[x])
                    else:
                        if op < 2:
                            # 0x41 i32.const
                            stack.append(x)
                        else:
                            # 0x21 local.set
                            locals_[x] = stack.pop()
                else:
                    if op < 17:
                        if op < 9:
                            if op < 4:
                                # 0x6A i32.add
                                b = stack.pop()
                                stack[-1] = (stack[-1] + b) & 0xFFFFFFFF
                            else:
                                if op < 7:
                                    # 0x22 local.tee
                                    locals_[x] = stack[-1]
                                else:
                                    # 0x28 i32.load
                                    stack[-1] = load_u32(mem, stack[-1] + x)[0]
                        else:
                            if op < 12:
                                if op < 10:
                                    # 0x7C i64.add
                                    b = stack.pop()
                                    stack[-1] = (stack[-1] + b) & 0xFFFFFFFFFFFFFFFF
                                else:
                                    if op < 11:
                                        # 0x36 i32.store
                                        b = stack.pop()
                                        a = stack.pop()
                                        store_u32(mem, a + x, b)
                                    else:
                                        # 0x29 i64.load
                                        stack[-1] = load_u64(mem, stack[-1] + x)[0]
                            else:
                                if op < 14:
                                    if op < 13:
                                        # 0x2D i32.load8_u
                                        stack[-1] = mem[stack[-1] + x]
                                    else:
                                        # 0x42 i64.const
                                        stack.append(x)
                                else:
                                    if op < 16:
                                        # 0x71 i32.and
                                        b = stack.pop()
                                        stack[-1] = stack[-1] & b
                                    else:
                                        # 0x6B i32.sub
                                        b = stack.pop()
                                        stack[-1] = (stack[-1] - b) & 0xFFFFFFFF
                    else:
                        if op < 39:
                            if op < 27:
                                if op < 22:
                                    if op < 18:
                                        # 0x74 i32.shl
                                        b = stack.pop()
                                        stack[-1] = (stack[-1] << (b & 31)) & 0xFFFFFFFF
                                    else:
                                        if op < 21:
                                            # 0x45 i32.eqz
                                            stack[-1] = 1 if not stack[-1] else 0
                                        else:
                                            # 0x23 global.get
                                            stack.append(globs[x].cell_contents)
                                else:
                                    if op < 25:
                                        if op < 24:
                                            # 0x37 i64.store
                                            b = stack.pop()
                                            a = stack.pop()
                                            store_u64(mem, a + x, b)
                                        else:
                                            # 0x2B f64.load
                                            stack[-1] = load_f64(mem, stack[-1] + x)[0]
                                    else:
                                        if op < 26:
                                            # 0x73 i32.xor
                                            b = stack.pop()
                                            stack[-1] = stack[-1] ^ b
                                        else:
                                            # 0x76 i32.shr_u
                                            b = stack.pop()
                                            stack[-1] = stack[-1] >> (b & 31)
                            else:
                                if op < 32:
                                    if op < 29:
                                        if op < 28:
                                            # 0x46 i32.eq
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] == b else 0
                                        else:
                                            # 0x47 i32.ne
                                            b = stack.pop()
                                            stack[-1] = 1 if stack[-1] != b else 0
                                    else:
                                        if op < 30:
                                            # 0x6C i32.mul
                                            b = stack.pop()
                                            stack[-1] = (stack[-1] * b) & 0xFFFFFFFF
                                        else:
                                            if op < 31:
                                                # 0x72 i32.or
                                                b = stack.pop()
                                                stack[-1] = stack[-1] | b
                                            else:
                                                # 0x1B select
                                                c = stack.pop()
                                                b = stack.pop()
                                                stack[-1] = stack[-1] if c else b
                                else:
                                    if op < 35:
                                        if op < 34:
                                            if op < 33:
                                                # 0x3A i32.store8
                                                b = stack.pop()
                                                a = stack.pop()
                                                mem[a + x] = b & 255
                                            else:
                                                # 0x83 i64.and
                                                b = stack.pop()
                                                stack[-1] = stack[-1] & b
                                        else:
                                            # 0xA0 f64.add
                                            b = stack.pop()
                                            stack[-1] = stack[-1] + b
                                    else:
                                        if op < 37:
                                            if op < 36:
                                                # 0xA1 f64.sub
                                                b = stack.pop()
                                                stack[-1] = stack[-1] - b
                                            else:
                                                # 0xA2 f64.mul
                                                b = stack.pop()
                                                stack[-1] = stack[-1] * b
                                        else:
                                            if op < 38:
                                                # 0x24 global.set
                                                globs[x].cell_contents = stack.pop()
                                            else:
                                                # 0x48 i32.lt_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) < (b ^ 0x80000000) else 0
                        else:
                            if op < 63:
                                if op < 47:
                                    if op < 43:
                                        if op < 41:
                                            if op < 40:
                                                # 0x49 i32.lt_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] < b else 0
                                            else:
                                                # 0x4A i32.gt_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) > (b ^ 0x80000000) else 0
                                        else:
                                            if op < 42:
                                                # 0x4B i32.gt_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] > b else 0
                                            else:
                                                # 0x4C i32.le_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) <= (b ^ 0x80000000) else 0
                                    else:
                                        if op < 45:
                                            if op < 44:
                                                # 0x4D i32.le_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] <= b else 0
                                            else:
                                                # 0x4E i32.ge_s
                                                b = stack.pop()
                                                stack[-1] = 1 if (stack[-1] ^ 0x80000000) >= (b ^ 0x80000000) else 0
                                        else:
                                            if op < 46:
                                                # 0x4F i32.ge_u
                                                b = stack.pop()
                                                stack[-1] = 1 if stack[-1] >= b else 0
                                            else:
                                                # 0xAD i64.extend_i32_u
                                                pass
                                else:
                                    if op < 56:
                                        if op < 49:
                                            if op < 48:
                                                # 0x7D i64.sub
                                                b = stack.pop()
                                                stack[-1] = (stack[-1] - b) & 0xFFFFFFFFFFFFFFFF
                                            else:
                                                # 0x86 i64.shl
                                                b = stack.pop()
                                                stack[-1] = (stack[-1] << (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                        else:
                                            if op < 53:
                                                # 0x50 i64.eqz
                                                stack[-1] = 1 if not stack[-1] else 0
                                            else:
                                                if op < 54:
                                                    # 0x39 f64.store
                                                    b = stack.pop()
                                                    a = stack.pop()
                                                    store_f64(mem, a + x, b)
                                                else:
                                                    # 0xA7 i32.wrap_i64
                                                    stack[-1] = stack[-1] & 0xFFFFFFFF
                                    else:
                                        if op < 60:
                                            if op < 58:
                                                if op < 57:
                                                    # 0x1A drop
                                                    stack.pop()
                                                else:
                                                    # 0x35 i64.load32_u
                                                    stack[-1] = load_u32(mem, stack[-1] + x)[0]
                                            else:
                                                if op < 59:
                                                    # 0x75 i32.shr_s
                                                    b = stack.pop()
                                                    stack[-1] = (((stack[-1] ^ 0x80000000) - 0x80000000) >> (b & 31)) & 0xFFFFFFFF
                                                else:
                                                    # 0x77 i32.rotl
                                                    b = stack.pop()
                                                    a = stack[-1]
                                                    stack[-1] = (a << (b & 31) | a >> (32 - (b & 31))) & 0xFFFFFFFF
                                        else:
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
                                                # 0x43 f32.const
                                                stack.append(x)
                            else:
                                if op < 85:
                                    if op < 72:
                                        if op < 67:
                                            if op < 65:
                                                if op < 64:
                                                    # 0x44 f64.const
                                                    stack.append(x)
                                                else:
                                                    # 0x51 i64.eq
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] == b else 0
                                            else:
                                                if op < 66:
                                                    # 0x52 i64.ne
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] != b else 0
                                                else:
                                                    # 0x7E i64.mul
                                                    b = stack.pop()
                                                    stack[-1] = (stack[-1] * b) & 0xFFFFFFFFFFFFFFFF
                                        else:
                                            if op < 69:
                                                if op < 68:
                                                    # 0x84 i64.or
                                                    b = stack.pop()
                                                    stack[-1] = stack[-1] | b
                                                else:
                                                    # 0x2A f32.load
                                                    a = stack[-1]
                                                    stack[-1] = t if (t := load_f32(mem, a + x)[0]) == t else f32_of_bits(load_u32(mem, a + x)[0])
                                            else:
                                                if op < 71:
                                                    if op < 70:
                                                        # 0x2C i32.load8_s
                                                        stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFF00
                                                    else:
                                                        # 0x2F i32.load16_u
                                                        stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    # 0x31 i64.load8_u
                                                    stack[-1] = mem[stack[-1] + x]
                                    else:
                                        if op < 78:
                                            if op < 75:
                                                if op < 73:
                                                    # 0x3E i64.store32
                                                    b = stack.pop()
                                                    a = stack.pop()
                                                    store_u32(mem, a + x, b & 0xFFFFFFFF)
                                                else:
                                                    if op < 74:
                                                        # 0x53 i64.lt_s
                                                        b = stack.pop()
                                                        stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) < (b ^ 0x8000000000000000) else 0
                                                    else:
                                                        # 0x54 i64.lt_u
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] < b else 0
                                            else:
                                                if op < 77:
                                                    if op < 76:
                                                        # 0x55 i64.gt_s
                                                        b = stack.pop()
                                                        stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) > (b ^ 0x8000000000000000) else 0
                                                    else:
                                                        # 0x56 i64.gt_u
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] > b else 0
                                                else:
                                                    # 0x57 i64.le_s
                                                    b = stack.pop()
                                                    stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) <= (b ^ 0x8000000000000000) else 0
                                        else:
                                            if op < 81:
                                                if op < 80:
                                                    if op < 79:
                                                        # 0x58 i64.le_u
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] <= b else 0
                                                    else:
                                                        # 0x59 i64.ge_s
                                                        b = stack.pop()
                                                        stack[-1] = 1 if (stack[-1] ^ 0x8000000000000000) >= (b ^ 0x8000000000000000) else 0
                                                else:
                                                    # 0x5A i64.ge_u
                                                    b = stack.pop()
                                                    stack[-1] = 1 if stack[-1] >= b else 0
                                            else:
                                                if op < 83:
                                                    if op < 82:
                                                        # 0x92 f32.add
                                                        b = stack.pop()
                                                        F[0] = stack[-1] + b
                                                        stack[-1] = F[0]
                                                    else:
                                                        # 0x93 f32.sub
                                                        b = stack.pop()
                                                        F[0] = stack[-1] - b
                                                        stack[-1] = F[0]
                                                else:
                                                    if op < 84:
                                                        # 0x94 f32.mul
                                                        b = stack.pop()
                                                        F[0] = stack[-1] * b
                                                        stack[-1] = F[0]
                                                    else:
                                                        # 0x2E i32.load16_s
                                                        stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFF
                                else:
                                    if op < 105:
                                        if op < 95:
                                            if op < 90:
                                                if op < 88:
                                                    if op < 87:
                                                        if op < 86:
                                                            # 0x30 i64.load8_s
                                                            stack[-1] = t if (t := mem[stack[-1] + x]) < 128 else t | 0xFFFFFFFFFFFFFF00
                                                        else:
                                                            # 0x32 i64.load16_s
                                                            stack[-1] = load_i16(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        # 0x33 i64.load16_u
                                                        stack[-1] = load_u16(mem, stack[-1] + x)[0]
                                                else:
                                                    if op < 89:
                                                        # 0x34 i64.load32_s
                                                        stack[-1] = load_i32(mem, stack[-1] + x)[0] & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        # 0x38 f32.store
                                                        b = stack.pop()
                                                        a = stack.pop()
                                                        store_f32(mem, a + x, b) if b == b else store_u32(mem, a + x, bits_of_f32(b))
                                            else:
                                                if op < 93:
                                                    if op < 92:
                                                        if op < 91:
                                                            # 0x3B i32.store16
                                                            b = stack.pop()
                                                            a = stack.pop()
                                                            store_u16(mem, a + x, b & 65535)
                                                        else:
                                                            # 0x3C i64.store8
                                                            b = stack.pop()
                                                            a = stack.pop()
                                                            mem[a + x] = b & 255
                                                    else:
                                                        # 0x3D i64.store16
                                                        b = stack.pop()
                                                        a = stack.pop()
                                                        store_u16(mem, a + x, b & 65535)
                                                else:
                                                    if op < 94:
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
                                            if op < 100:
                                                if op < 98:
                                                    if op < 97:
                                                        if op < 96:
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
                                                    if op < 99:
                                                        # 0x61 f64.eq
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] == b else 0
                                                    else:
                                                        # 0x62 f64.ne
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] != b else 0
                                            else:
                                                if op < 103:
                                                    if op < 102:
                                                        if op < 101:
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
                                                    if op < 104:
                                                        # 0x66 f64.ge
                                                        b = stack.pop()
                                                        stack[-1] = 1 if stack[-1] >= b else 0
                                                    else:
                                                        # 0xA3 f64.div
                                                        b = stack.pop()
                                                        a = stack[-1]
                                                        stack[-1] = a / b if b else divide_by_zero(a, b)
                                    else:
                                        if op < 129:
                                            if op < 113:
                                                if op < 108:
                                                    if op < 106:
                                                        # 0xAC i64.extend_i32_s
                                                        stack[-1] = ((stack[-1] ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                    else:
                                                        if op < 107:
                                                            # 0x87 i64.shr_s
                                                            b = stack.pop()
                                                            stack[-1] = (((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000) >> (b & 63)) & 0xFFFFFFFFFFFFFFFF
                                                        else:
                                                            # 0x89 i64.rotl
                                                            b = stack.pop()
                                                            a = stack[-1]
                                                            stack[-1] = (a << (b & 63) | a >> (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                                else:
                                                    if op < 110:
                                                        if op < 109:
                                                            # 0x1C select
                                                            c = stack.pop()
                                                            b = stack.pop()
                                                            stack[-1] = stack[-1] if c else b
                                                        else:
                                                            # 0x99 f64.abs
                                                            stack[-1] = abs(stack[-1])
                                                    else:
                                                        if op < 112:
                                                            if op < 111:
                                                                # 0x9A f64.neg
                                                                stack[-1] = -stack[-1]
                                                            else:
                                                                # 0x9B f64.ceil
                                                                stack[-1] = ceil(stack[-1])
                                                        else:
                                                            # 0x9C f64.floor
                                                            stack[-1] = floor(stack[-1])
                                            else:
                                                if op < 120:
                                                    if op < 116:
                                                        if op < 115:
                                                            if op < 114:
                                                                # 0x9D f64.trunc
                                                                stack[-1] = trunc(stack[-1])
                                                            else:
                                                                # 0x9E f64.nearest
                                                                stack[-1] = nearest(stack[-1])
                                                        else:
                                                            # 0x9F f64.sqrt
                                                            a = stack[-1]
                                                            stack[-1] = sqrt(a) if a >= 0.0 else NAN if a < 0.0 else a * 1.0
                                                    else:
                                                        if op < 118:
                                                            if op < 117:
                                                                # 0x7F i64.div_s
                                                                b = stack.pop()
                                                                a = stack[-1]
                                                                if not b:
                                                                    raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                                if b == 0xFFFFFFFFFFFFFFFF and a == 0x8000000000000000:
                                                                    raise Trap(INTEGER_OVERFLOW)
                                                                stack[-1] = divide(((a ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                # 0x80 i64.div_u
                                                                b = stack.pop()
                                                                stack[-1] = stack[-1] // b
                                                        else:
                                                            if op < 119:
                                                                # 0x81 i64.rem_s
                                                                b = stack.pop()
                                                                if not b:
                                                                    raise Trap(INTEGER_DIVISION_BY_ZERO)
                                                                stack[-1] = remainder(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000), ((b ^ 0x8000000000000000) - 0x8000000000000000)) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                # 0x82 i64.rem_u
                                                                b = stack.pop()
                                                                stack[-1] = stack[-1] % b
                                                else:
                                                    if op < 124:
                                                        if op < 122:
                                                            if op < 121:
                                                                # 0x8A i64.rotr
                                                                b = stack.pop()
                                                                a = stack[-1]
                                                                stack[-1] = (a >> (b & 63) | a << (64 - (b & 63))) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                # 0x5B f32.eq
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] == b else 0
                                                        else:
                                                            if op < 123:
                                                                # 0x5C f32.ne
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] != b else 0
                                                            else:
                                                                # 0x5D f32.lt
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] < b else 0
                                                    else:
                                                        if op < 126:
                                                            if op < 125:
                                                                # 0x5E f32.gt
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] > b else 0
                                                            else:
                                                                # 0x5F f32.le
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] <= b else 0
                                                        else:
                                                            if op < 127:
                                                                # 0x60 f32.ge
                                                                b = stack.pop()
                                                                stack[-1] = 1 if stack[-1] >= b else 0
                                                            else:
                                                                if op < 128:
                                                                    # 0x95 f32.div
                                                                    b = stack.pop()
                                                                    a = stack[-1]
                                                                    F[0] = a / b if b else divide_by_zero(a, b)
                                                                    stack[-1] = F[0]
                                                                else:
                                                                    # 0xFC 0x0A memory.copy
                                                                    c = stack.pop()
                                                                    b = stack.pop()
                                                                    a = stack.pop()
                                                                    if a + c > len(mem) or b + c > len(mem):
                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, a, c, mem, b, c, mem)
                                                                    fuel -= c
                                                                    if fuel < 0:
                                                                        fuel = refill(fuel)
                                                                    mem[a:a + c] = mem[b:b + c]
                                        else:
                                            if op < 157:
                                                if op < 141:
                                                    if op < 135:
                                                        if op < 132:
                                                            if op < 131:
                                                                if op < 130:
                                                                    # 0xFC 0x0B memory.fill
                                                                    c = stack.pop()
                                                                    b = stack.pop()
                                                                    a = stack.pop()
                                                                    if a + c > len(mem):
                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, a, c, mem)
                                                                    fuel -= c
                                                                    if fuel < 0:
                                                                        fuel = refill(fuel)
                                                                    mem[a:a + c] = bytes((b & 255,)) * c
                                                                else:
                                                                    # 0xA4 f64.min
                                                                    b = stack.pop()
                                                                    stack[-1] = minimum(stack[-1], b)
                                                            else:
                                                                # 0xA5 f64.max
                                                                b = stack.pop()
                                                                stack[-1] = maximum(stack[-1], b)
                                                        else:
                                                            if op < 134:
                                                                if op < 133:
                                                                    # 0xA6 f64.copysign
                                                                    b = stack.pop()
                                                                    stack[-1] = copysign(stack[-1], b)
                                                                else:
                                                                    # 0xB2 f32.convert_i32_s
                                                                    F[0] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                                    stack[-1] = F[0]
                                                            else:
                                                                # 0xB3 f32.convert_i32_u
                                                                F[0] = float(stack[-1])
                                                                stack[-1] = F[0]
                                                    else:
                                                        if op < 138:
                                                            if op < 137:
                                                                if op < 136:
                                                                    # 0xB4 f32.convert_i64_s
                                                                    F[0] = float_of_int(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                                    stack[-1] = F[0]
                                                                else:
                                                                    # 0xB5 f32.convert_i64_u
                                                                    F[0] = float_of_int(stack[-1])
                                                                    stack[-1] = F[0]
                                                            else:
                                                                # 0xB6 f32.demote_f64
                                                                F[0] = stack[-1]
                                                                stack[-1] = F[0]
                                                        else:
                                                            if op < 140:
                                                                if op < 139:
                                                                    # 0xB7 f64.convert_i32_s
                                                                    stack[-1] = float(((stack[-1] ^ 0x80000000) - 0x80000000))
                                                                else:
                                                                    # 0xB8 f64.convert_i32_u
                                                                    stack[-1] = float(stack[-1])
                                                            else:
                                                                # 0xB9 f64.convert_i64_s
                                                                stack[-1] = float(((stack[-1] ^ 0x8000000000000000) - 0x8000000000000000))
                                                else:
                                                    if op < 147:
                                                        if op < 144:
                                                            if op < 143:
                                                                if op < 142:
                                                                    # 0xBA f64.convert_i64_u
                                                                    stack[-1] = float(stack[-1])
                                                                else:
                                                                    # 0xBB f64.promote_f32
                                                                    stack[-1] = stack[-1] * 1.0
                                                            else:
                                                                # 0xBC i32.reinterpret_f32
                                                                stack[-1] = bits_of_f32(stack[-1])
                                                        else:
                                                            if op < 146:
                                                                if op < 145:
                                                                    # 0xBD i64.reinterpret_f64
                                                                    stack[-1] = bits_of_f64(stack[-1])
                                                                else:
                                                                    # 0xBE f32.reinterpret_i32
                                                                    stack[-1] = f32_of_bits(stack[-1])
                                                            else:
                                                                # 0xBF f64.reinterpret_i64
                                                                stack[-1] = f64_of_bits(stack[-1])
                                                    else:
                                                        if op < 151:
                                                            if op < 149:
                                                                if op < 148:
                                                                    # 0xFD 0x00 v128.load
                                                                    stack[-1] = (t := unpack_2Q(mem, stack[-1] + x))[0] | t[1] << 64
                                                                else:
                                                                    # 0xFD 0x0B v128.store
                                                                    b = stack.pop()
                                                                    a = stack.pop()
                                                                    store_16s(mem, a + x, b.to_bytes(16, 'little'))
                                                            else:
                                                                if op < 150:
                                                                    # 0x67 i32.clz
                                                                    stack[-1] = 32 - stack[-1].bit_length()
                                                                else:
                                                                    # 0x68 i32.ctz
                                                                    a = stack[-1]
                                                                    stack[-1] = (a & -a).bit_length() - 1 if a else 32
                                                        else:
                                                            if op < 154:
                                                                if op < 153:
                                                                    if op < 152:
                                                                        # 0x69 i32.popcnt
                                                                        stack[-1] = stack[-1].bit_count()
                                                                    else:
                                                                        # 0xC0 i32.extend8_s
                                                                        stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFF
                                                                else:
                                                                    # 0xC1 i32.extend16_s
                                                                    stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFF
                                                            else:
                                                                if op < 156:
                                                                    if op < 155:
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
                                                if op < 274:
                                                    if op < 172:
                                                        if op < 163:
                                                            if op < 160:
                                                                if op < 159:
                                                                    if op < 158:
                                                                        # 0xC2 i64.extend8_s
                                                                        stack[-1] = (((stack[-1] & 0xFF) ^ 0x80) - 0x80) & 0xFFFFFFFFFFFFFFFF
                                                                    else:
                                                                        # 0xC3 i64.extend16_s
                                                                        stack[-1] = (((stack[-1] & 0xFFFF) ^ 0x8000) - 0x8000) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    # 0xC4 i64.extend32_s
                                                                    stack[-1] = (((stack[-1] & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000) & 0xFFFFFFFFFFFFFFFF
                                                            else:
                                                                if op < 162:
                                                                    if op < 161:
                                                                        # 0x8B f32.abs
                                                                        stack[-1] = abs(stack[-1])
                                                                    else:
                                                                        # 0x8C f32.neg
                                                                        stack[-1] = -stack[-1]
                                                                else:
                                                                    # 0x8D f32.ceil
                                                                    stack[-1] = ceil(stack[-1])
                                                        else:
                                                            if op < 166:
                                                                if op < 165:
                                                                    if op < 164:
                                                                        # 0x8E f32.floor
                                                                        stack[-1] = floor(stack[-1])
                                                                    else:
                                                                        # 0x8F f32.trunc
                                                                        stack[-1] = trunc(stack[-1])
                                                                else:
                                                                    # 0x90 f32.nearest
                                                                    stack[-1] = nearest(stack[-1])
                                                            else:
                                                                if op < 170:
                                                                    if op < 167:
                                                                        # 0x91 f32.sqrt
                                                                        a = stack[-1]
                                                                        F[0] = sqrt(a) if a >= 0.0 else NAN if a < 0.0 else a * 1.0
                                                                        stack[-1] = F[0]
                                                                    else:
                                                                        # 0xFD 0x0C v128.const
                                                                        stack.append(x)
                                                                else:
                                                                    if op < 171:
                                                                        # 0x96 f32.min
                                                                        b = stack.pop()
                                                                        stack[-1] = minimum(stack[-1], b)
                                                                    else:
                                                                        # 0x97 f32.max
                                                                        b = stack.pop()
                                                                        stack[-1] = maximum(stack[-1], b)
                                                    else:
                                                        if op < 212:
                                                            if op < 180:
                                                                if op < 175:
                                                                    if op < 174:
                                                                        if op < 173:
                                                                            # 0x98 f32.copysign
                                                                            b = stack.pop()
                                                                            stack[-1] = copysign(stack[-1], b)
                                                                        else:
                                                                            # 0xFD 0x4E v128.and
                                                                            b = stack.pop()
                                                                            stack[-1] = stack[-1] & b
                                                                    else:
                                                                        # 0xFD 0x4F v128.andnot
                                                                        b = stack.pop()
                                                                        stack[-1] = stack[-1] & ~b
                                                                else:
                                                                    if op < 177:
                                                                        if op < 176:
                                                                            # 0xFD 0x50 v128.or
                                                                            b = stack.pop()
                                                                            stack[-1] = stack[-1] | b
                                                                        else:
                                                                            # 0xFD 0x51 v128.xor
                                                                            b = stack.pop()
                                                                            stack[-1] = stack[-1] ^ b
                                                                    else:
                                                                        if op < 179:
                                                                            if op < 178:
                                                                                # 0xFD 0x01 v128.load8x8_s
                                                                                stack[-1] = from_bytes(pack_8h(*unpack_8b(mem, stack[-1] + x)), 'little')
                                                                            else:
                                                                                # 0xFD 0x02 v128.load8x8_u
                                                                                stack[-1] = from_bytes(pack_8H(*unpack_8B(mem, stack[-1] + x)), 'little')
                                                                        else:
                                                                            # 0xFD 0x03 v128.load16x4_s
                                                                            stack[-1] = from_bytes(pack_4i(*unpack_4h(mem, stack[-1] + x)), 'little')
                                                            else:
                                                                if op < 188:
                                                                    if op < 184:
                                                                        if op < 182:
                                                                            if op < 181:
                                                                                # 0xFD 0x04 v128.load16x4_u
                                                                                stack[-1] = from_bytes(pack_4I(*unpack_4H(mem, stack[-1] + x)), 'little')
                                                                            else:
                                                                                # 0xFD 0x05 v128.load32x2_s
                                                                                stack[-1] = from_bytes(pack_2q(*unpack_2i(mem, stack[-1] + x)), 'little')
                                                                        else:
                                                                            if op < 183:
                                                                                # 0xFD 0x06 v128.load32x2_u
                                                                                stack[-1] = from_bytes(pack_2Q(*unpack_2I(mem, stack[-1] + x)), 'little')
                                                                            else:
                                                                                # 0xFD 0x07 v128.load8_splat
                                                                                stack[-1] = mem[stack[-1] + x] * ONE8
                                                                    else:
                                                                        if op < 186:
                                                                            if op < 185:
                                                                                # 0xFD 0x08 v128.load16_splat
                                                                                stack[-1] = load_u16(mem, stack[-1] + x)[0] * ONE16
                                                                            else:
                                                                                # 0xFD 0x09 v128.load32_splat
                                                                                stack[-1] = load_u32(mem, stack[-1] + x)[0] * ONE32
                                                                        else:
                                                                            if op < 187:
                                                                                # 0xFD 0x0A v128.load64_splat
                                                                                stack[-1] = load_u64(mem, stack[-1] + x)[0] * ONE64
                                                                            else:
                                                                                # 0xFD 0x5C v128.load32_zero
                                                                                stack[-1] = load_u32(mem, stack[-1] + x)[0]
                                                                else:
                                                                    if op < 205:
                                                                        if op < 201:
                                                                            if op < 199:
                                                                                # 0xFD 0x5D v128.load64_zero
                                                                                stack[-1] = load_u64(mem, stack[-1] + x)[0]
                                                                            else:
                                                                                if op < 200:
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
                                                                            if op < 203:
                                                                                if op < 202:
                                                                                    # 0xFC 0x08 memory.init
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if b + c > len(datas[x[0]]) or a + c > len(mem):
                                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, b, c, datas[x[0]], a, c, mem)
                                                                                    fuel -= c
                                                                                    if fuel < 0:
                                                                                        fuel = refill(fuel)
                                                                                    mem[a:a + c] = datas[x[0]][b:b + c]
                                                                                else:
                                                                                    # 0xFC 0x09 data.drop
                                                                                    datas[x] = b''
                                                                            else:
                                                                                if op < 204:
                                                                                    # 0x25 table.get
                                                                                    stack[-1] = tables[x].elements[stack[-1]]
                                                                                else:
                                                                                    # 0x26 table.set
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a >= len(tables[x].elements):
                                                                                        raise outside(TABLE_OUT_OF_BOUNDS, a, 1, tables[x].elements)
                                                                                    tables[x].replace(a, [b])
                                                                    else:
                                                                        if op < 209:
                                                                            if op < 207:
                                                                                if op < 206:
                                                                                    # 0xD0 ref.null
                                                                                    stack.append(None)
                                                                                else:
                                                                                    # 0xD1 ref.is_null
                                                                                    stack[-1] = 1 if stack[-1] is None else 0
                                                                            else:
                                                                                if op < 208:
                                                                                    # 0xD2 ref.func
                                                                                    stack.append(funcs[x])
                                                                                else:
                                                                                    # 0xFC 0x0C table.init
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if b + c > len(elems[x[0]]) or a + c > len(tables[x[1]].elements):
                                                                                        raise outside(TABLE_OUT_OF_BOUNDS, b, c, elems[x[0]], a, c, tables[x[1]].elements)
                                                                                    fuel -= c
                                                                                    if fuel < 0:
                                                                                        fuel = refill(fuel)
                                                                                    tables[x[1]].replace(a, elems[x[0]][b:b + c])
                                                                        else:
                                                                            if op < 211:
                                                                                if op < 210:
                                                                                    # 0xFC 0x0D elem.drop
                                                                                    elems[x] = ()
                                                                                else:
                                                                                    # 0xFC 0x0E table.copy
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if b + c > len(tables[x[1]].elements) or a + c > len(tables[x[0]].elements):
                                                                                        raise outside(TABLE_OUT_OF_BOUNDS, b, c, tables[x[1]].elements, a, c, tables[x[0]].elements)
                                                                                    fuel -= c
                                                                                    if fuel < 0:
                                                                                        fuel = refill(fuel)
                                                                                    tables[x[0]].replace(a, tables[x[1]].elements[b:b + c])
                                                                            else:
                                                                                # 0xFC 0x0F table.grow
                                                                                b = stack.pop()
                                                                                r = tables[x].extend(stack[-1], b) & 0xFFFFFFFF
                                                                                stack[-1] = r
                                                                                fuel -= b if r != 0xFFFFFFFF else 0
                                                        else:
                                                            if op < 243:
                                                                if op < 228:
                                                                    if op < 220:
                                                                        if op < 216:
                                                                            if op < 214:
                                                                                if op < 213:
                                                                                    # 0xFC 0x10 table.size
                                                                                    stack.append(len(tables[x].elements))
                                                                                else:
                                                                                    # 0xFC 0x11 table.fill
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + c > len(tables[x].elements):
                                                                                        raise outside(TABLE_OUT_OF_BOUNDS, a, c, tables[x].elements)
                                                                                    fuel -= c
                                                                                    if fuel < 0:
                                                                                        fuel = refill(fuel)
                                                                                    tables[x].replace(a, [b] * c)
                                                                            else:
                                                                                if op < 215:
                                                                                    # 0xA8 i32.trunc_f32_s
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -2147483649.0 < a < 2147483648.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x00 i32.trunc_sat_f32_s
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 218:
                                                                                if op < 217:
                                                                                    # 0xA9 i32.trunc_f32_u
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -1.0 < a < 4294967296.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x01 i32.trunc_sat_f32_u
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                if op < 219:
                                                                                    # 0xAA i32.trunc_f64_s
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -2147483649.0 < a < 2147483648.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x02 i32.trunc_sat_f64_s
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF if -2147483649.0 < a < 2147483648.0 else saturate(a, -2147483648, 2147483647) & 0xFFFFFFFF
                                                                    else:
                                                                        if op < 224:
                                                                            if op < 222:
                                                                                if op < 221:
                                                                                    # 0xAB i32.trunc_f64_u
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -1.0 < a < 4294967296.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x03 i32.trunc_sat_f64_u
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFF if -1.0 < a < 4294967296.0 else saturate(a, 0, 4294967295) & 0xFFFFFFFF
                                                                            else:
                                                                                if op < 223:
                                                                                    # 0xAE i64.trunc_f32_s
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x04 i64.trunc_sat_f32_s
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            if op < 226:
                                                                                if op < 225:
                                                                                    # 0xAF i64.trunc_f32_u
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -1.0 < a < 18446744073709551616.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x05 i64.trunc_sat_f32_u
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -1.0 < a < 18446744073709551616.0 else saturate(a, 0, 18446744073709551615) & 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                if op < 227:
                                                                                    # 0xB0 i64.trunc_f64_s
                                                                                    a = stack[-1]
                                                                                    if a != a:
                                                                                        raise Trap(BAD_CONVERSION_TO_INTEGER)
                                                                                    if not -9223372036854775808.0 <= a < 9223372036854775808.0:
                                                                                        raise Trap(INTEGER_OVERFLOW)
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFC 0x06 i64.trunc_sat_f64_s
                                                                                    a = stack[-1]
                                                                                    stack[-1] = int(a) & 0xFFFFFFFFFFFFFFFF if -9223372036854775808.0 <= a < 9223372036854775808.0 else saturate(a, -9223372036854775808, 9223372036854775807) & 0xFFFFFFFFFFFFFFFF
                                                                else:
                                                                    if op < 236:
                                                                        if op < 232:
                                                                            if op < 230:
                                                                                if op < 229:
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
                                                                            else:
                                                                                if op < 231:
                                                                                    # 0xFD 0x54 v128.load8_lane
                                                                                    b = stack.pop()
                                                                                    stack[-1] = b ^ ((b >> x[1] * 8 ^ mem[stack[-1] + x[0]]) & 0xFF) << x[1] * 8
                                                                                else:
                                                                                    # 0xFD 0x58 v128.store8_lane
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    mem[a + x[0]] = b >> x[1] * 8 & 0xFF
                                                                        else:
                                                                            if op < 234:
                                                                                if op < 233:
                                                                                    # 0xFD 0x55 v128.load16_lane
                                                                                    b = stack.pop()
                                                                                    stack[-1] = b ^ ((b >> x[1] * 16 ^ load_u16(mem, stack[-1] + x[0])[0]) & 0xFFFF) << x[1] * 16
                                                                                else:
                                                                                    # 0xFD 0x59 v128.store16_lane
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    store_u16(mem, a + x[0], b >> x[1] * 16 & 0xFFFF)
                                                                            else:
                                                                                if op < 235:
                                                                                    # 0xFD 0x56 v128.load32_lane
                                                                                    b = stack.pop()
                                                                                    stack[-1] = b ^ ((b >> x[1] * 32 ^ load_u32(mem, stack[-1] + x[0])[0]) & 0xFFFFFFFF) << x[1] * 32
                                                                                else:
                                                                                    # 0xFD 0x5A v128.store32_lane
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    store_u32(mem, a + x[0], b >> x[1] * 32 & 0xFFFFFFFF)
                                                                    else:
                                                                        if op < 240:
                                                                            if op < 238:
                                                                                if op < 237:
                                                                                    # 0xFD 0x57 v128.load64_lane
                                                                                    b = stack.pop()
                                                                                    stack[-1] = b ^ ((b >> x[1] * 64 ^ load_u64(mem, stack[-1] + x[0])[0]) & 0xFFFFFFFFFFFFFFFF) << x[1] * 64
                                                                                else:
                                                                                    # 0xFD 0x5B v128.store64_lane
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    store_u64(mem, a + x[0], b >> x[1] * 64 & 0xFFFFFFFFFFFFFFFF)
                                                                            else:
                                                                                if op < 239:
                                                                                    # 0xFD 0x0D i8x16.shuffle
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(x.to_bytes(16, 'little').translate((stack[-1] | b << 128).to_bytes(256, 'little')), 'little')
                                                                                else:
                                                                                    # 0xFD 0x0E i8x16.swizzle
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(b.to_bytes(16, 'little').translate(stack[-1].to_bytes(256, 'little')), 'little')
                                                                        else:
                                                                            if op < 242:
                                                                                if op < 241:
                                                                                    # 0xFD 0x0F i8x16.splat
                                                                                    stack[-1] = (stack[-1] & 0xFF) * ONE8
                                                                                else:
                                                                                    # 0xFD 0x10 i16x8.splat
                                                                                    stack[-1] = (stack[-1] & 0xFFFF) * ONE16
                                                                            else:
                                                                                # 0xFD 0x11 i32x4.splat
                                                                                stack[-1] = stack[-1] * ONE32
                                                            else:
                                                                if op < 259:
                                                                    if op < 251:
                                                                        if op < 247:
                                                                            if op < 245:
                                                                                if op < 244:
                                                                                    # 0xFD 0x12 i64x2.splat
                                                                                    stack[-1] = stack[-1] * ONE64
                                                                                else:
                                                                                    # 0xFD 0x13 f32x4.splat
                                                                                    stack[-1] = bits_of_f32(stack[-1]) * ONE32
                                                                            else:
                                                                                if op < 246:
                                                                                    # 0xFD 0x14 f64x2.splat
                                                                                    stack[-1] = bits_of_f64(stack[-1]) * ONE64
                                                                                else:
                                                                                    # 0xFD 0x15 i8x16.extract_lane_s
                                                                                    stack[-1] = ((stack[-1] >> x * 8 & 0xFF) ^ 128) - 128 & 0xFFFFFFFF
                                                                        else:
                                                                            if op < 249:
                                                                                if op < 248:
                                                                                    # 0xFD 0x16 i8x16.extract_lane_u
                                                                                    stack[-1] = stack[-1] >> x * 8 & 0xFF
                                                                                else:
                                                                                    # 0xFD 0x17 i8x16.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 8 ^ b) & 0xFF) << x * 8
                                                                            else:
                                                                                if op < 250:
                                                                                    # 0xFD 0x18 i16x8.extract_lane_s
                                                                                    stack[-1] = ((stack[-1] >> x * 16 & 0xFFFF) ^ 32768) - 32768 & 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0x19 i16x8.extract_lane_u
                                                                                    stack[-1] = stack[-1] >> x * 16 & 0xFFFF
                                                                    else:
                                                                        if op < 255:
                                                                            if op < 253:
                                                                                if op < 252:
                                                                                    # 0xFD 0x1A i16x8.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 16 ^ b) & 0xFFFF) << x * 16
                                                                                else:
                                                                                    # 0xFD 0x1B i32x4.extract_lane
                                                                                    stack[-1] = stack[-1] >> x * 32 & 0xFFFFFFFF
                                                                            else:
                                                                                if op < 254:
                                                                                    # 0xFD 0x1C i32x4.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 32 ^ b) & 0xFFFFFFFF) << x * 32
                                                                                else:
                                                                                    # 0xFD 0x1D i64x2.extract_lane
                                                                                    stack[-1] = stack[-1] >> x * 64 & 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            if op < 257:
                                                                                if op < 256:
                                                                                    # 0xFD 0x1E i64x2.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 64 ^ b) & 0xFFFFFFFFFFFFFFFF) << x * 64
                                                                                else:
                                                                                    # 0xFD 0x1F f32x4.extract_lane
                                                                                    stack[-1] = f32_of_bits(stack[-1] >> x * 32 & 0xFFFFFFFF)
                                                                            else:
                                                                                if op < 258:
                                                                                    # 0xFD 0x20 f32x4.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 32 ^ bits_of_f32(b)) & 0xFFFFFFFF) << x * 32
                                                                                else:
                                                                                    # 0xFD 0x21 f64x2.extract_lane
                                                                                    stack[-1] = f64_of_bits(stack[-1] >> x * 64 & 0xFFFFFFFFFFFFFFFF)
                                                                else:
                                                                    if op < 267:
                                                                        if op < 263:
                                                                            if op < 261:
                                                                                if op < 260:
                                                                                    # 0xFD 0x22 f64x2.replace_lane
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ ((a >> x * 64 ^ bits_of_f64(b)) & 0xFFFFFFFFFFFFFFFF) << x * 64
                                                                                else:
                                                                                    # 0xFD 0x4D v128.not
                                                                                    stack[-1] = stack[-1] ^ ALL
                                                                            else:
                                                                                if op < 262:
                                                                                    # 0xFD 0x52 v128.bitselect
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    stack[-1] = b ^ (stack[-1] ^ b) & c
                                                                                else:
                                                                                    # 0xFD 0x53 v128.any_true
                                                                                    stack[-1] = 1 if stack[-1] != 0 else 0
                                                                        else:
                                                                            if op < 265:
                                                                                if op < 264:
                                                                                    # 0xFD 0x60 i8x16.abs
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a ^ (t := (a >> 7 & ONE8) * 0xFF)) + (t & ONE8)
                                                                                else:
                                                                                    # 0xFD 0x61 i8x16.neg
                                                                                    a = stack[-1]
                                                                                    stack[-1] = HIGH8 - (a & LOW8) ^ ~a & HIGH8
                                                                            else:
                                                                                if op < 266:
                                                                                    # 0xFD 0x6B i8x16.shl
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] << (t := b & 7) & LEFT8[t]
                                                                                else:
                                                                                    # 0xFD 0x6C i8x16.shr_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a >> (t := b & 7) & RIGHT8[t] | (a >> 7 & ONE8) * FILL8[t]
                                                                    else:
                                                                        if op < 271:
                                                                            if op < 269:
                                                                                if op < 268:
                                                                                    # 0xFD 0x6D i8x16.shr_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] >> (t := b & 7) & RIGHT8[t]
                                                                                else:
                                                                                    # 0xFD 0x6E i8x16.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a & LOW8) + (b & LOW8) ^ (a ^ b) & HIGH8)
                                                                            else:
                                                                                if op < 270:
                                                                                    # 0xFD 0x71 i8x16.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a | HIGH8) - (b & LOW8) ^ ~(a ^ b) & HIGH8)
                                                                                else:
                                                                                    # 0xFD 0x76 i8x16.min_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & a | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF) & t
                                                                        else:
                                                                            if op < 273:
                                                                                if op < 272:
                                                                                    # 0xFD 0x77 i8x16.min_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & b | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF) & t
                                                                                else:
                                                                                    # 0xFD 0x78 i8x16.max_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ (((((t := a ^ b) & a | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF) & t
                                                                            else:
                                                                                # 0xFD 0x79 i8x16.max_u
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                stack[-1] = a ^ (((((t := a ^ b) & b | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF) & t
                                                else:
                                                    if op < 396:
                                                        if op < 335:
                                                            if op < 305:
                                                                if op < 290:
                                                                    if op < 282:
                                                                        if op < 278:
                                                                            if op < 276:
                                                                                if op < 275:
                                                                                    # 0xFD 0x6F i8x16.add_sat_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((t := ((a & LOW8) + (b & LOW8) ^ (a ^ b) & HIGH8)) ^ (a >> 7 & ONE8) + LOW8) & ((~(a ^ b) & (a ^ t) & HIGH8) >> 7) * 0xFF ^ t
                                                                                else:
                                                                                    # 0xFD 0x70 i8x16.add_sat_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (t := ((a & LOW8) + (b & LOW8) ^ (a ^ b) & HIGH8)) | (((a & b | (a | b) & ~t) & HIGH8) >> 7) * 0xFF
                                                                            else:
                                                                                if op < 277:
                                                                                    # 0xFD 0x72 i8x16.sub_sat_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((t := ((a | HIGH8) - (b & LOW8) ^ ~(a ^ b) & HIGH8)) ^ (a >> 7 & ONE8) + LOW8) & (((a ^ b) & (a ^ t) & HIGH8) >> 7) * 0xFF ^ t
                                                                                else:
                                                                                    # 0xFD 0x73 i8x16.sub_sat_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (t := ((a | HIGH8) - (b & LOW8) ^ ~(a ^ b) & HIGH8)) & (((a & ~b | ~(a ^ b | t)) & HIGH8) >> 7) * 0xFF
                                                                        else:
                                                                            if op < 280:
                                                                                if op < 279:
                                                                                    # 0xFD 0x7B i8x16.avgr_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a | b) - ((a ^ b) >> 1 & LOW8)
                                                                                else:
                                                                                    # 0xFD 0x23 i8x16.eq
                                                                                    b = stack.pop()
                                                                                    stack[-1] = ((~(((t := stack[-1] ^ b) & LOW8) + LOW8 | t) & HIGH8) >> 7) * 0xFF
                                                                            else:
                                                                                if op < 281:
                                                                                    # 0xFD 0x24 i8x16.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = (((((t := stack[-1] ^ b) & LOW8) + LOW8 | t) & HIGH8) >> 7) * 0xFF
                                                                                else:
                                                                                    # 0xFD 0x25 i8x16.lt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF
                                                                    else:
                                                                        if op < 286:
                                                                            if op < 284:
                                                                                if op < 283:
                                                                                    # 0xFD 0x26 i8x16.lt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~(t | (a | HIGH8) - (b & LOW8))) & HIGH8) >> 7) * 0xFF
                                                                                else:
                                                                                    # 0xFD 0x27 i8x16.gt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~(t | (b | HIGH8) - (a & LOW8))) & HIGH8) >> 7) * 0xFF
                                                                            else:
                                                                                if op < 285:
                                                                                    # 0xFD 0x28 i8x16.gt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~(t | (b | HIGH8) - (a & LOW8))) & HIGH8) >> 7) * 0xFF
                                                                                else:
                                                                                    # 0xFD 0x29 i8x16.le_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~t & (b | HIGH8) - (a & LOW8)) & HIGH8) >> 7) * 0xFF
                                                                        else:
                                                                            if op < 288:
                                                                                if op < 287:
                                                                                    # 0xFD 0x2A i8x16.le_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~t & (b | HIGH8) - (a & LOW8)) & HIGH8) >> 7) * 0xFF
                                                                                else:
                                                                                    # 0xFD 0x2B i8x16.ge_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~t & (a | HIGH8) - (b & LOW8)) & HIGH8) >> 7) * 0xFF
                                                                            else:
                                                                                if op < 289:
                                                                                    # 0xFD 0x2C i8x16.ge_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~t & (a | HIGH8) - (b & LOW8)) & HIGH8) >> 7) * 0xFF
                                                                                else:
                                                                                    # 0xFD 0x63 i8x16.all_true
                                                                                    a = stack[-1]
                                                                                    stack[-1] = 1 if ((a & LOW8) + LOW8 | a) & HIGH8 == HIGH8 else 0
                                                                else:
                                                                    if op < 298:
                                                                        if op < 294:
                                                                            if op < 292:
                                                                                if op < 291:
                                                                                    # 0xFD 0x64 i8x16.bitmask
                                                                                    stack[-1] = int(stack[-1].to_bytes(16, 'big').translate(SIGN_DIGIT), 2)
                                                                                else:
                                                                                    # 0xFD 0x80 i16x8.abs
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a ^ (t := (a >> 15 & ONE16) * 0xFFFF)) + (t & ONE16)
                                                                            else:
                                                                                if op < 293:
                                                                                    # 0xFD 0x81 i16x8.neg
                                                                                    a = stack[-1]
                                                                                    stack[-1] = HIGH16 - (a & LOW16) ^ ~a & HIGH16
                                                                                else:
                                                                                    # 0xFD 0x8B i16x8.shl
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] << (t := b & 15) & LEFT16[t]
                                                                        else:
                                                                            if op < 296:
                                                                                if op < 295:
                                                                                    # 0xFD 0x8C i16x8.shr_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a >> (t := b & 15) & RIGHT16[t] | (a >> 15 & ONE16) * FILL16[t]
                                                                                else:
                                                                                    # 0xFD 0x8D i16x8.shr_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] >> (t := b & 15) & RIGHT16[t]
                                                                            else:
                                                                                if op < 297:
                                                                                    # 0xFD 0x8E i16x8.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a & LOW16) + (b & LOW16) ^ (a ^ b) & HIGH16)
                                                                                else:
                                                                                    # 0xFD 0x91 i16x8.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a | HIGH16) - (b & LOW16) ^ ~(a ^ b) & HIGH16)
                                                                    else:
                                                                        if op < 302:
                                                                            if op < 300:
                                                                                if op < 299:
                                                                                    # 0xFD 0x96 i16x8.min_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & a | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF) & t
                                                                                else:
                                                                                    # 0xFD 0x97 i16x8.min_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & b | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF) & t
                                                                            else:
                                                                                if op < 301:
                                                                                    # 0xFD 0x98 i16x8.max_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ (((((t := a ^ b) & a | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF) & t
                                                                                else:
                                                                                    # 0xFD 0x99 i16x8.max_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ (((((t := a ^ b) & b | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF) & t
                                                                        else:
                                                                            if op < 304:
                                                                                if op < 303:
                                                                                    # 0xFD 0x8F i16x8.add_sat_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((t := ((a & LOW16) + (b & LOW16) ^ (a ^ b) & HIGH16)) ^ (a >> 15 & ONE16) + LOW16) & ((~(a ^ b) & (a ^ t) & HIGH16) >> 15) * 0xFFFF ^ t
                                                                                else:
                                                                                    # 0xFD 0x90 i16x8.add_sat_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (t := ((a & LOW16) + (b & LOW16) ^ (a ^ b) & HIGH16)) | (((a & b | (a | b) & ~t) & HIGH16) >> 15) * 0xFFFF
                                                                            else:
                                                                                # 0xFD 0x92 i16x8.sub_sat_s
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                stack[-1] = ((t := ((a | HIGH16) - (b & LOW16) ^ ~(a ^ b) & HIGH16)) ^ (a >> 15 & ONE16) + LOW16) & (((a ^ b) & (a ^ t) & HIGH16) >> 15) * 0xFFFF ^ t
                                                            else:
                                                                if op < 320:
                                                                    if op < 313:
                                                                        if op < 309:
                                                                            if op < 307:
                                                                                if op < 306:
                                                                                    # 0xFD 0x93 i16x8.sub_sat_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (t := ((a | HIGH16) - (b & LOW16) ^ ~(a ^ b) & HIGH16)) & (((a & ~b | ~(a ^ b | t)) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x9B i16x8.avgr_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a | b) - ((a ^ b) >> 1 & LOW16)
                                                                            else:
                                                                                if op < 308:
                                                                                    # 0xFD 0x95 i16x8.mul
                                                                                    b = stack.pop()
                                                                                    stack[-1] = mul16(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0x2D i16x8.eq
                                                                                    b = stack.pop()
                                                                                    stack[-1] = ((~(((t := stack[-1] ^ b) & LOW16) + LOW16 | t) & HIGH16) >> 15) * 0xFFFF
                                                                        else:
                                                                            if op < 311:
                                                                                if op < 310:
                                                                                    # 0xFD 0x2E i16x8.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = (((((t := stack[-1] ^ b) & LOW16) + LOW16 | t) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x2F i16x8.lt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF
                                                                            else:
                                                                                if op < 312:
                                                                                    # 0xFD 0x30 i16x8.lt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~(t | (a | HIGH16) - (b & LOW16))) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x31 i16x8.gt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~(t | (b | HIGH16) - (a & LOW16))) & HIGH16) >> 15) * 0xFFFF
                                                                    else:
                                                                        if op < 317:
                                                                            if op < 315:
                                                                                if op < 314:
                                                                                    # 0xFD 0x32 i16x8.gt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~(t | (b | HIGH16) - (a & LOW16))) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x33 i16x8.le_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~t & (b | HIGH16) - (a & LOW16)) & HIGH16) >> 15) * 0xFFFF
                                                                            else:
                                                                                if op < 316:
                                                                                    # 0xFD 0x34 i16x8.le_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~t & (b | HIGH16) - (a & LOW16)) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x35 i16x8.ge_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~t & (a | HIGH16) - (b & LOW16)) & HIGH16) >> 15) * 0xFFFF
                                                                        else:
                                                                            if op < 319:
                                                                                if op < 318:
                                                                                    # 0xFD 0x36 i16x8.ge_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~t & (a | HIGH16) - (b & LOW16)) & HIGH16) >> 15) * 0xFFFF
                                                                                else:
                                                                                    # 0xFD 0x83 i16x8.all_true
                                                                                    a = stack[-1]
                                                                                    stack[-1] = 1 if ((a & LOW16) + LOW16 | a) & HIGH16 == HIGH16 else 0
                                                                            else:
                                                                                # 0xFD 0x84 i16x8.bitmask
                                                                                stack[-1] = (stack[-1] >> 15 & ONE16) % 0xFFFE
                                                                else:
                                                                    if op < 328:
                                                                        if op < 324:
                                                                            if op < 322:
                                                                                if op < 321:
                                                                                    # 0xFD 0xA0 i32x4.abs
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a ^ (t := (a >> 31 & ONE32) * 0xFFFFFFFF)) + (t & ONE32)
                                                                                else:
                                                                                    # 0xFD 0xA1 i32x4.neg
                                                                                    a = stack[-1]
                                                                                    stack[-1] = HIGH32 - (a & LOW32) ^ ~a & HIGH32
                                                                            else:
                                                                                if op < 323:
                                                                                    # 0xFD 0xAB i32x4.shl
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] << (t := b & 31) & LEFT32[t]
                                                                                else:
                                                                                    # 0xFD 0xAC i32x4.shr_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a >> (t := b & 31) & RIGHT32[t] | (a >> 31 & ONE32) * FILL32[t]
                                                                        else:
                                                                            if op < 326:
                                                                                if op < 325:
                                                                                    # 0xFD 0xAD i32x4.shr_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] >> (t := b & 31) & RIGHT32[t]
                                                                                else:
                                                                                    # 0xFD 0xAE i32x4.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a & LOW32) + (b & LOW32) ^ (a ^ b) & HIGH32)
                                                                            else:
                                                                                if op < 327:
                                                                                    # 0xFD 0xB1 i32x4.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a | HIGH32) - (b & LOW32) ^ ~(a ^ b) & HIGH32)
                                                                                else:
                                                                                    # 0xFD 0xB6 i32x4.min_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & a | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF) & t
                                                                    else:
                                                                        if op < 332:
                                                                            if op < 330:
                                                                                if op < 329:
                                                                                    # 0xFD 0xB7 i32x4.min_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = b ^ (((((t := a ^ b) & b | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF) & t
                                                                                else:
                                                                                    # 0xFD 0xB8 i32x4.max_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ (((((t := a ^ b) & a | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF) & t
                                                                            else:
                                                                                if op < 331:
                                                                                    # 0xFD 0xB9 i32x4.max_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ (((((t := a ^ b) & b | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF) & t
                                                                                else:
                                                                                    # 0xFD 0xB5 i32x4.mul
                                                                                    b = stack.pop()
                                                                                    stack[-1] = mul32(stack[-1], b)
                                                                        else:
                                                                            if op < 334:
                                                                                if op < 333:
                                                                                    # 0xFD 0x37 i32x4.eq
                                                                                    b = stack.pop()
                                                                                    stack[-1] = ((~(((t := stack[-1] ^ b) & LOW32) + LOW32 | t) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0x38 i32x4.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = (((((t := stack[-1] ^ b) & LOW32) + LOW32 | t) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                            else:
                                                                                # 0xFD 0x39 i32x4.lt_s
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                stack[-1] = ((((t := a ^ b) & a | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF
                                                        else:
                                                            if op < 366:
                                                                if op < 351:
                                                                    if op < 343:
                                                                        if op < 339:
                                                                            if op < 337:
                                                                                if op < 336:
                                                                                    # 0xFD 0x3A i32x4.lt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~(t | (a | HIGH32) - (b & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0x3B i32x4.gt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~(t | (b | HIGH32) - (a & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                            else:
                                                                                if op < 338:
                                                                                    # 0xFD 0x3C i32x4.gt_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~(t | (b | HIGH32) - (a & LOW32))) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0x3D i32x4.le_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~t & (b | HIGH32) - (a & LOW32)) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                        else:
                                                                            if op < 341:
                                                                                if op < 340:
                                                                                    # 0xFD 0x3E i32x4.le_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~t & (b | HIGH32) - (a & LOW32)) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0x3F i32x4.ge_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~t & (a | HIGH32) - (b & LOW32)) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                            else:
                                                                                if op < 342:
                                                                                    # 0xFD 0x40 i32x4.ge_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~t & (a | HIGH32) - (b & LOW32)) & HIGH32) >> 31) * 0xFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0xA3 i32x4.all_true
                                                                                    a = stack[-1]
                                                                                    stack[-1] = 1 if ((a & LOW32) + LOW32 | a) & HIGH32 == HIGH32 else 0
                                                                    else:
                                                                        if op < 347:
                                                                            if op < 345:
                                                                                if op < 344:
                                                                                    # 0xFD 0xA4 i32x4.bitmask
                                                                                    stack[-1] = (stack[-1] >> 31 & ONE32) % 0xFFFFFFFE
                                                                                else:
                                                                                    # 0xFD 0xC0 i64x2.abs
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a ^ (t := (a >> 63 & ONE64) * 0xFFFFFFFFFFFFFFFF)) + (t & ONE64)
                                                                            else:
                                                                                if op < 346:
                                                                                    # 0xFD 0xC1 i64x2.neg
                                                                                    a = stack[-1]
                                                                                    stack[-1] = HIGH64 - (a & LOW64) ^ ~a & HIGH64
                                                                                else:
                                                                                    # 0xFD 0xCB i64x2.shl
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] << (t := b & 63) & LEFT64[t]
                                                                        else:
                                                                            if op < 349:
                                                                                if op < 348:
                                                                                    # 0xFD 0xCC i64x2.shr_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a >> (t := b & 63) & RIGHT64[t] | (a >> 63 & ONE64) * FILL64[t]
                                                                                else:
                                                                                    # 0xFD 0xCD i64x2.shr_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = stack[-1] >> (t := b & 63) & RIGHT64[t]
                                                                            else:
                                                                                if op < 350:
                                                                                    # 0xFD 0xCE i64x2.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a & LOW64) + (b & LOW64) ^ (a ^ b) & HIGH64)
                                                                                else:
                                                                                    # 0xFD 0xD1 i64x2.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((a | HIGH64) - (b & LOW64) ^ ~(a ^ b) & HIGH64)
                                                                else:
                                                                    if op < 359:
                                                                        if op < 355:
                                                                            if op < 353:
                                                                                if op < 352:
                                                                                    # 0xFD 0xD5 i64x2.mul
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a * (b & 0xFFFFFFFFFFFFFFFF) & 0xFFFFFFFFFFFFFFFF | ((a >> 64) * (b >> 64) & 0xFFFFFFFFFFFFFFFF) << 64
                                                                                else:
                                                                                    # 0xFD 0xD6 i64x2.eq
                                                                                    b = stack.pop()
                                                                                    stack[-1] = ((~(((t := stack[-1] ^ b) & LOW64) + LOW64 | t) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                if op < 354:
                                                                                    # 0xFD 0xD7 i64x2.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = (((((t := stack[-1] ^ b) & LOW64) + LOW64 | t) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0xD8 i64x2.lt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & a | ~(t | (a | HIGH64) - (b & LOW64))) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                        else:
                                                                            if op < 357:
                                                                                if op < 356:
                                                                                    # 0xFD 0xD9 i64x2.gt_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & b | ~(t | (b | HIGH64) - (a & LOW64))) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0xDA i64x2.le_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := b ^ a) & a | ~t & (b | HIGH64) - (a & LOW64)) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                            else:
                                                                                if op < 358:
                                                                                    # 0xFD 0xDB i64x2.ge_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = ((((t := a ^ b) & b | ~t & (a | HIGH64) - (b & LOW64)) & HIGH64) >> 63) * 0xFFFFFFFFFFFFFFFF
                                                                                else:
                                                                                    # 0xFD 0xC3 i64x2.all_true
                                                                                    a = stack[-1]
                                                                                    stack[-1] = 1 if ((a & LOW64) + LOW64 | a) & HIGH64 == HIGH64 else 0
                                                                    else:
                                                                        if op < 363:
                                                                            if op < 361:
                                                                                if op < 360:
                                                                                    # 0xFD 0xC4 i64x2.bitmask
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a >> 63 & 1 | a >> 126 & 2
                                                                                else:
                                                                                    # 0xFD 0x87 i16x8.extend_low_i8x16_s
                                                                                    stack[-1] = from_bytes(pack_8h(*unpack_8b(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                            else:
                                                                                if op < 362:
                                                                                    # 0xFD 0x9C i16x8.extmul_low_i8x16_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_8h(*map(mul, unpack_8b(stack[-1].to_bytes(16, 'little'), 0), unpack_8b(b.to_bytes(16, 'little'), 0))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x88 i16x8.extend_high_i8x16_s
                                                                                    stack[-1] = from_bytes(pack_8h(*unpack_8b(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                        else:
                                                                            if op < 365:
                                                                                if op < 364:
                                                                                    # 0xFD 0x9D i16x8.extmul_high_i8x16_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_8h(*map(mul, unpack_8b(stack[-1].to_bytes(16, 'little'), 8), unpack_8b(b.to_bytes(16, 'little'), 8))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x89 i16x8.extend_low_i8x16_u
                                                                                    stack[-1] = from_bytes(pack_8H(*unpack_8B(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                            else:
                                                                                # 0xFD 0x9E i16x8.extmul_low_i8x16_u
                                                                                b = stack.pop()
                                                                                stack[-1] = from_bytes(pack_8H(*map(mul, unpack_8B(stack[-1].to_bytes(16, 'little'), 0), unpack_8B(b.to_bytes(16, 'little'), 0))), 'little')
                                                            else:
                                                                if op < 381:
                                                                    if op < 374:
                                                                        if op < 370:
                                                                            if op < 368:
                                                                                if op < 367:
                                                                                    # 0xFD 0x8A i16x8.extend_high_i8x16_u
                                                                                    stack[-1] = from_bytes(pack_8H(*unpack_8B(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                                else:
                                                                                    # 0xFD 0x9F i16x8.extmul_high_i8x16_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_8H(*map(mul, unpack_8B(stack[-1].to_bytes(16, 'little'), 8), unpack_8B(b.to_bytes(16, 'little'), 8))), 'little')
                                                                            else:
                                                                                if op < 369:
                                                                                    # 0xFD 0xA7 i32x4.extend_low_i16x8_s
                                                                                    stack[-1] = from_bytes(pack_4i(*unpack_4h(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xBC i32x4.extmul_low_i16x8_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(mul, unpack_4h(stack[-1].to_bytes(16, 'little'), 0), unpack_4h(b.to_bytes(16, 'little'), 0))), 'little')
                                                                        else:
                                                                            if op < 372:
                                                                                if op < 371:
                                                                                    # 0xFD 0xA8 i32x4.extend_high_i16x8_s
                                                                                    stack[-1] = from_bytes(pack_4i(*unpack_4h(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xBD i32x4.extmul_high_i16x8_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(mul, unpack_4h(stack[-1].to_bytes(16, 'little'), 8), unpack_4h(b.to_bytes(16, 'little'), 8))), 'little')
                                                                            else:
                                                                                if op < 373:
                                                                                    # 0xFD 0xA9 i32x4.extend_low_i16x8_u
                                                                                    stack[-1] = from_bytes(pack_4I(*unpack_4H(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xBE i32x4.extmul_low_i16x8_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4I(*map(mul, unpack_4H(stack[-1].to_bytes(16, 'little'), 0), unpack_4H(b.to_bytes(16, 'little'), 0))), 'little')
                                                                    else:
                                                                        if op < 378:
                                                                            if op < 376:
                                                                                if op < 375:
                                                                                    # 0xFD 0xAA i32x4.extend_high_i16x8_u
                                                                                    stack[-1] = from_bytes(pack_4I(*unpack_4H(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xBF i32x4.extmul_high_i16x8_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4I(*map(mul, unpack_4H(stack[-1].to_bytes(16, 'little'), 8), unpack_4H(b.to_bytes(16, 'little'), 8))), 'little')
                                                                            else:
                                                                                if op < 377:
                                                                                    # 0xFD 0xC7 i64x2.extend_low_i32x4_s
                                                                                    stack[-1] = from_bytes(pack_2q(*unpack_2i(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xDC i64x2.extmul_low_i32x4_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(mul, unpack_2i(stack[-1].to_bytes(16, 'little'), 0), unpack_2i(b.to_bytes(16, 'little'), 0))), 'little')
                                                                        else:
                                                                            if op < 380:
                                                                                if op < 379:
                                                                                    # 0xFD 0xC8 i64x2.extend_high_i32x4_s
                                                                                    stack[-1] = from_bytes(pack_2q(*unpack_2i(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                                else:
                                                                                    # 0xFD 0xDD i64x2.extmul_high_i32x4_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(mul, unpack_2i(stack[-1].to_bytes(16, 'little'), 8), unpack_2i(b.to_bytes(16, 'little'), 8))), 'little')
                                                                            else:
                                                                                # 0xFD 0xC9 i64x2.extend_low_i32x4_u
                                                                                stack[-1] = from_bytes(pack_2Q(*unpack_2I(stack[-1].to_bytes(16, 'little'), 0)), 'little')
                                                                else:
                                                                    if op < 389:
                                                                        if op < 385:
                                                                            if op < 383:
                                                                                if op < 382:
                                                                                    # 0xFD 0xDE i64x2.extmul_low_i32x4_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2Q(*map(mul, unpack_2I(stack[-1].to_bytes(16, 'little'), 0), unpack_2I(b.to_bytes(16, 'little'), 0))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xCA i64x2.extend_high_i32x4_u
                                                                                    stack[-1] = from_bytes(pack_2Q(*unpack_2I(stack[-1].to_bytes(16, 'little'), 8)), 'little')
                                                                            else:
                                                                                if op < 384:
                                                                                    # 0xFD 0xDF i64x2.extmul_high_i32x4_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2Q(*map(mul, unpack_2I(stack[-1].to_bytes(16, 'little'), 8), unpack_2I(b.to_bytes(16, 'little'), 8))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x7C i16x8.extadd_pairwise_i8x16_s
                                                                                    stack[-1] = (((t := stack[-1] ^ HIGH8) & EVEN8) + (t >> 8 & EVEN8)) + BIAS8 ^ HIGH16
                                                                        else:
                                                                            if op < 387:
                                                                                if op < 386:
                                                                                    # 0xFD 0x7D i16x8.extadd_pairwise_i8x16_u
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a & EVEN8) + (a >> 8 & EVEN8)
                                                                                else:
                                                                                    # 0xFD 0x7E i32x4.extadd_pairwise_i16x8_s
                                                                                    stack[-1] = (((t := stack[-1] ^ HIGH16) & EVEN16) + (t >> 16 & EVEN16)) + BIAS16 ^ HIGH32
                                                                            else:
                                                                                if op < 388:
                                                                                    # 0xFD 0x7F i32x4.extadd_pairwise_i16x8_u
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a & EVEN16) + (a >> 16 & EVEN16)
                                                                                else:
                                                                                    # 0xFD 0x65 i8x16.narrow_i16x8_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = narrow16_s(stack[-1], b)
                                                                    else:
                                                                        if op < 393:
                                                                            if op < 391:
                                                                                if op < 390:
                                                                                    # 0xFD 0x66 i8x16.narrow_i16x8_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = narrow16_u(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0x85 i16x8.narrow_i32x4_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = narrow32_s(stack[-1], b)
                                                                            else:
                                                                                if op < 392:
                                                                                    # 0xFD 0x86 i16x8.narrow_i32x4_u
                                                                                    b = stack.pop()
                                                                                    stack[-1] = narrow32_u(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0x62 i8x16.popcnt
                                                                                    stack[-1] = from_bytes(stack[-1].to_bytes(16, 'little').translate(ONES_IN_BYTE), 'little')
                                                                        else:
                                                                            if op < 395:
                                                                                if op < 394:
                                                                                    # 0xFD 0x82 i16x8.q15mulr_sat_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = q15mulr(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0xBA i32x4.dot_i16x8_s
                                                                                    b = stack.pop()
                                                                                    stack[-1] = dot16(stack[-1], b)
                                                                            else:
                                                                                # 0xFD 0x41 f32x4.eq
                                                                                b = stack.pop()
                                                                                stack[-1] = from_bytes(pack_4i(*map(neg, map(eq, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                    else:
                                                        if op < 457:
                                                            if op < 427:
                                                                if op < 412:
                                                                    if op < 404:
                                                                        if op < 400:
                                                                            if op < 398:
                                                                                if op < 397:
                                                                                    # 0xFD 0x42 f32x4.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(neg, map(ne, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x43 f32x4.lt
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(neg, map(lt, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                                            else:
                                                                                if op < 399:
                                                                                    # 0xFD 0x44 f32x4.gt
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(neg, map(gt, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x45 f32x4.le
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(neg, map(le, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                                        else:
                                                                            if op < 402:
                                                                                if op < 401:
                                                                                    # 0xFD 0x46 f32x4.ge
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_4i(*map(neg, map(ge, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xE0 f32x4.abs
                                                                                    stack[-1] = stack[-1] & LOW32
                                                                            else:
                                                                                if op < 403:
                                                                                    # 0xFD 0xE1 f32x4.neg
                                                                                    stack[-1] = stack[-1] ^ HIGH32
                                                                                else:
                                                                                    # 0xFD 0xE3 f32x4.sqrt
                                                                                    stack[-1] = pack_f32x4(*map(root, unpack_4f(stack[-1].to_bytes(16, 'little'))))
                                                                    else:
                                                                        if op < 408:
                                                                            if op < 406:
                                                                                if op < 405:
                                                                                    # 0xFD 0xE4 f32x4.add
                                                                                    b = stack.pop()
                                                                                    stack[-1] = add_f32x4(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0xE5 f32x4.sub
                                                                                    b = stack.pop()
                                                                                    stack[-1] = sub_f32x4(stack[-1], b)
                                                                            else:
                                                                                if op < 407:
                                                                                    # 0xFD 0xE6 f32x4.mul
                                                                                    b = stack.pop()
                                                                                    stack[-1] = mul_f32x4(stack[-1], b)
                                                                                else:
                                                                                    # 0xFD 0xE7 f32x4.div
                                                                                    b = stack.pop()
                                                                                    stack[-1] = pack_f32x4(*map(quotient, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))
                                                                        else:
                                                                            if op < 410:
                                                                                if op < 409:
                                                                                    # 0xFD 0xE8 f32x4.min
                                                                                    b = stack.pop()
                                                                                    stack[-1] = pack_f32x4(*map(minimum, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))
                                                                                else:
                                                                                    # 0xFD 0xE9 f32x4.max
                                                                                    b = stack.pop()
                                                                                    stack[-1] = pack_f32x4(*map(maximum, unpack_4f(stack[-1].to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))
                                                                            else:
                                                                                if op < 411:
                                                                                    # 0xFD 0xEA f32x4.pmin
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ from_bytes(pack_4i(*map(neg, map(gt, unpack_4f(a.to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little') & (a ^ b)
                                                                                else:
                                                                                    # 0xFD 0xEB f32x4.pmax
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ from_bytes(pack_4i(*map(neg, map(lt, unpack_4f(a.to_bytes(16, 'little')), unpack_4f(b.to_bytes(16, 'little'))))), 'little') & (a ^ b)
                                                                else:
                                                                    if op < 420:
                                                                        if op < 416:
                                                                            if op < 414:
                                                                                if op < 413:
                                                                                    # 0xFD 0x67 f32x4.ceil
                                                                                    stack[-1] = pack_f32x4(*map(ceil, unpack_4f(stack[-1].to_bytes(16, 'little'))))
                                                                                else:
                                                                                    # 0xFD 0x68 f32x4.floor
                                                                                    stack[-1] = pack_f32x4(*map(floor, unpack_4f(stack[-1].to_bytes(16, 'little'))))
                                                                            else:
                                                                                if op < 415:
                                                                                    # 0xFD 0x69 f32x4.trunc
                                                                                    stack[-1] = pack_f32x4(*map(trunc, unpack_4f(stack[-1].to_bytes(16, 'little'))))
                                                                                else:
                                                                                    # 0xFD 0x6A f32x4.nearest
                                                                                    stack[-1] = pack_f32x4(*map(nearest, unpack_4f(stack[-1].to_bytes(16, 'little'))))
                                                                        else:
                                                                            if op < 418:
                                                                                if op < 417:
                                                                                    # 0xFD 0x47 f64x2.eq
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(eq, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x48 f64x2.ne
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(ne, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                            else:
                                                                                if op < 419:
                                                                                    # 0xFD 0x49 f64x2.lt
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(lt, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x4A f64x2.gt
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(gt, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                    else:
                                                                        if op < 424:
                                                                            if op < 422:
                                                                                if op < 421:
                                                                                    # 0xFD 0x4B f64x2.le
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(le, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x4C f64x2.ge
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2q(*map(neg, map(ge, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little')
                                                                            else:
                                                                                if op < 423:
                                                                                    # 0xFD 0xEC f64x2.abs
                                                                                    stack[-1] = stack[-1] & LOW64
                                                                                else:
                                                                                    # 0xFD 0xED f64x2.neg
                                                                                    stack[-1] = stack[-1] ^ HIGH64
                                                                        else:
                                                                            if op < 426:
                                                                                if op < 425:
                                                                                    # 0xFD 0xEF f64x2.sqrt
                                                                                    stack[-1] = from_bytes(pack_2d(*map(root, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xF0 f64x2.add
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2d(*map(add, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                                            else:
                                                                                # 0xFD 0xF1 f64x2.sub
                                                                                b = stack.pop()
                                                                                stack[-1] = from_bytes(pack_2d(*map(sub, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                            else:
                                                                if op < 442:
                                                                    if op < 435:
                                                                        if op < 431:
                                                                            if op < 429:
                                                                                if op < 428:
                                                                                    # 0xFD 0xF2 f64x2.mul
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2d(*map(mul, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xF3 f64x2.div
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2d(*map(quotient, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                                            else:
                                                                                if op < 430:
                                                                                    # 0xFD 0xF4 f64x2.min
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2d(*map(minimum, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xF5 f64x2.max
                                                                                    b = stack.pop()
                                                                                    stack[-1] = from_bytes(pack_2d(*map(maximum, unpack_2d(stack[-1].to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little')))), 'little')
                                                                        else:
                                                                            if op < 433:
                                                                                if op < 432:
                                                                                    # 0xFD 0xF6 f64x2.pmin
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ from_bytes(pack_2q(*map(neg, map(gt, unpack_2d(a.to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little') & (a ^ b)
                                                                                else:
                                                                                    # 0xFD 0xF7 f64x2.pmax
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = a ^ from_bytes(pack_2q(*map(neg, map(lt, unpack_2d(a.to_bytes(16, 'little')), unpack_2d(b.to_bytes(16, 'little'))))), 'little') & (a ^ b)
                                                                            else:
                                                                                if op < 434:
                                                                                    # 0xFD 0x74 f64x2.ceil
                                                                                    stack[-1] = from_bytes(pack_2d(*map(ceil, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x75 f64x2.floor
                                                                                    stack[-1] = from_bytes(pack_2d(*map(floor, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                    else:
                                                                        if op < 439:
                                                                            if op < 437:
                                                                                if op < 436:
                                                                                    # 0xFD 0x7A f64x2.trunc
                                                                                    stack[-1] = from_bytes(pack_2d(*map(trunc, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0x94 f64x2.nearest
                                                                                    stack[-1] = from_bytes(pack_2d(*map(nearest, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                            else:
                                                                                if op < 438:
                                                                                    # 0xFD 0x5E f32x4.demote_f64x2_zero
                                                                                    stack[-1] = demote(stack[-1])
                                                                                else:
                                                                                    # 0xFD 0x5F f64x2.promote_low_f32x4
                                                                                    stack[-1] = promote(stack[-1])
                                                                        else:
                                                                            if op < 441:
                                                                                if op < 440:
                                                                                    # 0xFD 0xF8 i32x4.trunc_sat_f32x4_s
                                                                                    stack[-1] = from_bytes(pack_4i(*map(to_i32, unpack_4f(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xFA f32x4.convert_i32x4_s
                                                                                    stack[-1] = from_bytes(pack_4f(*unpack_4i(stack[-1].to_bytes(16, 'little'))), 'little')
                                                                            else:
                                                                                # 0xFD 0xFC i32x4.trunc_sat_f64x2_s_zero
                                                                                stack[-1] = from_bytes(pack_2i(*map(to_i32, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                else:
                                                                    if op < 450:
                                                                        if op < 446:
                                                                            if op < 444:
                                                                                if op < 443:
                                                                                    # 0xFD 0xFE f64x2.convert_low_i32x4_s
                                                                                    stack[-1] = from_bytes(pack_2d(*unpack_2i(stack[-1].to_bytes(16, 'little'))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xF9 i32x4.trunc_sat_f32x4_u
                                                                                    stack[-1] = from_bytes(pack_4I(*map(to_u32, unpack_4f(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                            else:
                                                                                if op < 445:
                                                                                    # 0xFD 0xFB f32x4.convert_i32x4_u
                                                                                    stack[-1] = from_bytes(pack_4f(*unpack_4I(stack[-1].to_bytes(16, 'little'))), 'little')
                                                                                else:
                                                                                    # 0xFD 0xFD i32x4.trunc_sat_f64x2_u_zero
                                                                                    stack[-1] = from_bytes(pack_2I(*map(to_u32, unpack_2d(stack[-1].to_bytes(16, 'little')))), 'little')
                                                                        else:
                                                                            if op < 448:
                                                                                if op < 447:
                                                                                    # 0xFD 0xFF f64x2.convert_low_i32x4_u
                                                                                    stack[-1] = from_bytes(pack_2d(*unpack_2I(stack[-1].to_bytes(16, 'little'))), 'little')
                                                                                else:
                                                                                    # 0xFE 0x00 memory.atomic.notify
                                                                                    stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    if a + x + 4 > len(mem):
                                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, a + x, 4, mem)
                                                                                    stack[-1] = 0
                                                                            else:
                                                                                if op < 449:
                                                                                    # 0xFE 0x01 memory.atomic.wait32
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    if a + x + 4 > len(mem):
                                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, a + x, 4, mem)
                                                                                    if not memory.shared:
                                                                                        raise Trap(EXPECTED_SHARED_MEMORY)
                                                                                    if memory.never_ends(a + x, 4, b, c):
                                                                                        raise Trap(ENDLESS_WAIT)
                                                                                    stack[-1] = memory.wait(a + x, 4, b, c)
                                                                                    mem = memory.data
                                                                                    fuel = meter.expire(fuel)
                                                                                else:
                                                                                    # 0xFE 0x02 memory.atomic.wait64
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    if a + x + 8 > len(mem):
                                                                                        raise outside(MEMORY_OUT_OF_BOUNDS, a + x, 8, mem)
                                                                                    if not memory.shared:
                                                                                        raise Trap(EXPECTED_SHARED_MEMORY)
                                                                                    if memory.never_ends(a + x, 8, b, c):
                                                                                        raise Trap(ENDLESS_WAIT)
                                                                                    stack[-1] = memory.wait(a + x, 8, b, c)
                                                                                    mem = memory.data
                                                                                    fuel = meter.expire(fuel)
                                                                    else:
                                                                        if op < 454:
                                                                            if op < 452:
                                                                                if op < 451:
                                                                                    # 0xFE 0x03 atomic.fence
                                                                                    pass
                                                                                else:
                                                                                    # 0xFE 0x10 i32.atomic.load
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    stack[-1] = load_u32(mem, a + x)[0]
                                                                            else:
                                                                                if op < 453:
                                                                                    # 0xFE 0x11 i64.atomic.load
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    stack[-1] = load_u64(mem, a + x)[0]
                                                                                else:
                                                                                    # 0xFE 0x12 i32.atomic.load8_u
                                                                                    stack[-1] = mem[stack[-1] + x]
                                                                        else:
                                                                            if op < 456:
                                                                                if op < 455:
                                                                                    # 0xFE 0x13 i32.atomic.load16_u
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    stack[-1] = load_u16(mem, a + x)[0]
                                                                                else:
                                                                                    # 0xFE 0x14 i64.atomic.load8_u
                                                                                    stack[-1] = mem[stack[-1] + x]
                                                                            else:
                                                                                # 0xFE 0x15 i64.atomic.load16_u
                                                                                a = stack[-1]
                                                                                if a + x & 1:
                                                                                    raise Trap(UNALIGNED_ATOMIC)
                                                                                stack[-1] = load_u16(mem, a + x)[0]
                                                        else:
                                                            if op < 488:
                                                                if op < 473:
                                                                    if op < 465:
                                                                        if op < 461:
                                                                            if op < 459:
                                                                                if op < 458:
                                                                                    # 0xFE 0x16 i64.atomic.load32_u
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    stack[-1] = load_u32(mem, a + x)[0]
                                                                                else:
                                                                                    # 0xFE 0x17 i32.atomic.store
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    store_u32(mem, a + x, (b))
                                                                            else:
                                                                                if op < 460:
                                                                                    # 0xFE 0x18 i64.atomic.store
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    store_u64(mem, a + x, (b))
                                                                                else:
                                                                                    # 0xFE 0x19 i32.atomic.store8
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    mem[a + x] = ((b) & 255)
                                                                        else:
                                                                            if op < 463:
                                                                                if op < 462:
                                                                                    # 0xFE 0x1A i32.atomic.store16
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    store_u16(mem, a + x, ((b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x1B i64.atomic.store8
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    mem[a + x] = ((b) & 255)
                                                                            else:
                                                                                if op < 464:
                                                                                    # 0xFE 0x1C i64.atomic.store16
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    store_u16(mem, a + x, ((b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x1D i64.atomic.store32
                                                                                    b = stack.pop()
                                                                                    a = stack.pop()
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    store_u32(mem, a + x, ((b) & 0xFFFFFFFF))
                                                                    else:
                                                                        if op < 469:
                                                                            if op < 467:
                                                                                if op < 466:
                                                                                    # 0xFE 0x1E i32.atomic.rmw.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r + b) & 0xFFFFFFFF))
                                                                                else:
                                                                                    # 0xFE 0x1F i64.atomic.rmw.add
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, ((r + b) & 0xFFFFFFFFFFFFFFFF))
                                                                            else:
                                                                                if op < 468:
                                                                                    # 0xFE 0x20 i32.atomic.rmw8.add_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r + b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x21 i32.atomic.rmw16.add_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r + b) & 65535))
                                                                        else:
                                                                            if op < 471:
                                                                                if op < 470:
                                                                                    # 0xFE 0x22 i64.atomic.rmw8.add_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r + b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x23 i64.atomic.rmw16.add_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r + b) & 65535))
                                                                            else:
                                                                                if op < 472:
                                                                                    # 0xFE 0x24 i64.atomic.rmw32.add_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r + b) & 0xFFFFFFFF))
                                                                                else:
                                                                                    # 0xFE 0x25 i32.atomic.rmw.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r - b) & 0xFFFFFFFF))
                                                                else:
                                                                    if op < 481:
                                                                        if op < 477:
                                                                            if op < 475:
                                                                                if op < 474:
                                                                                    # 0xFE 0x26 i64.atomic.rmw.sub
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, ((r - b) & 0xFFFFFFFFFFFFFFFF))
                                                                                else:
                                                                                    # 0xFE 0x27 i32.atomic.rmw8.sub_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r - b) & 255)
                                                                            else:
                                                                                if op < 476:
                                                                                    # 0xFE 0x28 i32.atomic.rmw16.sub_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r - b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x29 i64.atomic.rmw8.sub_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r - b) & 255)
                                                                        else:
                                                                            if op < 479:
                                                                                if op < 478:
                                                                                    # 0xFE 0x2A i64.atomic.rmw16.sub_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r - b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x2B i64.atomic.rmw32.sub_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r - b) & 0xFFFFFFFF))
                                                                            else:
                                                                                if op < 480:
                                                                                    # 0xFE 0x2C i32.atomic.rmw.and
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, (r & b))
                                                                                else:
                                                                                    # 0xFE 0x2D i64.atomic.rmw.and
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, (r & b))
                                                                    else:
                                                                        if op < 485:
                                                                            if op < 483:
                                                                                if op < 482:
                                                                                    # 0xFE 0x2E i32.atomic.rmw8.and_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r & b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x2F i32.atomic.rmw16.and_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r & b) & 65535))
                                                                            else:
                                                                                if op < 484:
                                                                                    # 0xFE 0x30 i64.atomic.rmw8.and_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r & b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x31 i64.atomic.rmw16.and_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r & b) & 65535))
                                                                        else:
                                                                            if op < 487:
                                                                                if op < 486:
                                                                                    # 0xFE 0x32 i64.atomic.rmw32.and_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r & b) & 0xFFFFFFFF))
                                                                                else:
                                                                                    # 0xFE 0x33 i32.atomic.rmw.or
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, (r | b))
                                                                            else:
                                                                                # 0xFE 0x34 i64.atomic.rmw.or
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                if a + x & 7:
                                                                                    raise Trap(UNALIGNED_ATOMIC)
                                                                                r = load_u64(mem, a + x)[0]
                                                                                stack[-1] = r
                                                                                store_u64(mem, a + x, (r | b))
                                                            else:
                                                                if op < 503:
                                                                    if op < 496:
                                                                        if op < 492:
                                                                            if op < 490:
                                                                                if op < 489:
                                                                                    # 0xFE 0x35 i32.atomic.rmw8.or_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r | b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x36 i32.atomic.rmw16.or_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r | b) & 65535))
                                                                            else:
                                                                                if op < 491:
                                                                                    # 0xFE 0x37 i64.atomic.rmw8.or_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r | b) & 255)
                                                                                else:
                                                                                    # 0xFE 0x38 i64.atomic.rmw16.or_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r | b) & 65535))
                                                                        else:
                                                                            if op < 494:
                                                                                if op < 493:
                                                                                    # 0xFE 0x39 i64.atomic.rmw32.or_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r | b) & 0xFFFFFFFF))
                                                                                else:
                                                                                    # 0xFE 0x3A i32.atomic.rmw.xor
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, (r ^ b))
                                                                            else:
                                                                                if op < 495:
                                                                                    # 0xFE 0x3B i64.atomic.rmw.xor
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, (r ^ b))
                                                                                else:
                                                                                    # 0xFE 0x3C i32.atomic.rmw8.xor_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r ^ b) & 255)
                                                                    else:
                                                                        if op < 500:
                                                                            if op < 498:
                                                                                if op < 497:
                                                                                    # 0xFE 0x3D i32.atomic.rmw16.xor_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r ^ b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x3E i64.atomic.rmw8.xor_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((r ^ b) & 255)
                                                                            else:
                                                                                if op < 499:
                                                                                    # 0xFE 0x3F i64.atomic.rmw16.xor_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((r ^ b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x40 i64.atomic.rmw32.xor_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((r ^ b) & 0xFFFFFFFF))
                                                                        else:
                                                                            if op < 502:
                                                                                if op < 501:
                                                                                    # 0xFE 0x41 i32.atomic.rmw.xchg
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, (b))
                                                                                else:
                                                                                    # 0xFE 0x42 i64.atomic.rmw.xchg
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, (b))
                                                                            else:
                                                                                # 0xFE 0x43 i32.atomic.rmw8.xchg_u
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                r = mem[a + x]
                                                                                stack[-1] = r
                                                                                mem[a + x] = ((b) & 255)
                                                                else:
                                                                    if op < 511:
                                                                        if op < 507:
                                                                            if op < 505:
                                                                                if op < 504:
                                                                                    # 0xFE 0x44 i32.atomic.rmw16.xchg_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x45 i64.atomic.rmw8.xchg_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((b) & 255)
                                                                            else:
                                                                                if op < 506:
                                                                                    # 0xFE 0x46 i64.atomic.rmw16.xchg_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((b) & 65535))
                                                                                else:
                                                                                    # 0xFE 0x47 i64.atomic.rmw32.xchg_u
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((b) & 0xFFFFFFFF))
                                                                        else:
                                                                            if op < 509:
                                                                                if op < 508:
                                                                                    # 0xFE 0x48 i32.atomic.rmw.cmpxchg
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, (c) if r == (b) else r)
                                                                                else:
                                                                                    # 0xFE 0x49 i64.atomic.rmw.cmpxchg
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 7:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u64(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u64(mem, a + x, (c) if r == (b) else r)
                                                                            else:
                                                                                if op < 510:
                                                                                    # 0xFE 0x4A i32.atomic.rmw8.cmpxchg_u
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((c) & 255) if r == ((b) & 255) else r
                                                                                else:
                                                                                    # 0xFE 0x4B i32.atomic.rmw16.cmpxchg_u
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((c) & 65535) if r == ((b) & 65535) else r)
                                                                    else:
                                                                        if op < 515:
                                                                            if op < 513:
                                                                                if op < 512:
                                                                                    # 0xFE 0x4C i64.atomic.rmw8.cmpxchg_u
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    r = mem[a + x]
                                                                                    stack[-1] = r
                                                                                    mem[a + x] = ((c) & 255) if r == ((b) & 255) else r
                                                                                else:
                                                                                    # 0xFE 0x4D i64.atomic.rmw16.cmpxchg_u
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 1:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u16(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u16(mem, a + x, ((c) & 65535) if r == ((b) & 65535) else r)
                                                                            else:
                                                                                if op < 514:
                                                                                    # 0xFE 0x4E i64.atomic.rmw32.cmpxchg_u
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    if a + x & 3:
                                                                                        raise Trap(UNALIGNED_ATOMIC)
                                                                                    r = load_u32(mem, a + x)[0]
                                                                                    stack[-1] = r
                                                                                    store_u32(mem, a + x, ((c) & 0xFFFFFFFF) if r == ((b) & 0xFFFFFFFF) else r)
                                                                                else:
                                                                                    # 0xFC 0x13 i64.add128
                                                                                    d = stack.pop()
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a + c) & 0xFFFFFFFFFFFFFFFF
                                                                                    stack.append((b + d + ((a + c) >> 64)) & 0xFFFFFFFFFFFFFFFF)
                                                                        else:
                                                                            if op < 517:
                                                                                if op < 516:
                                                                                    # 0xFC 0x14 i64.sub128
                                                                                    d = stack.pop()
                                                                                    c = stack.pop()
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a - c) & 0xFFFFFFFFFFFFFFFF
                                                                                    stack.append((b - d + ((a - c) >> 64)) & 0xFFFFFFFFFFFFFFFF)
                                                                                else:
                                                                                    # 0xFC 0x15 i64.mul_wide_s
                                                                                    b = stack.pop()
                                                                                    a = stack[-1]
                                                                                    stack[-1] = (a * b) & 0xFFFFFFFFFFFFFFFF
                                                                                    stack.append(((((a ^ 0x8000000000000000) - 0x8000000000000000) * ((b ^ 0x8000000000000000) - 0x8000000000000000)) >> 64) & 0xFFFFFFFFFFFFFFFF)
                                                                            else:
                                                                                # 0xFC 0x16 i64.mul_wide_u
                                                                                b = stack.pop()
                                                                                a = stack[-1]
                                                                                stack[-1] = (a * b) & 0xFFFFFFFFFFFFFFFF
                                                                                stack.append((a * b) >> 64)
        except BaseException as error:
            if fuel is not None:
                meter.left = fuel
            frames.append((operations, pc, stack, locals_, func))
            execution.turns = turns
            depth = catch(error, execution, meter, depth)
        # a frame of this execution catches it
        fuel = meter.left
        operations, pc, stack, locals_, func = frames.pop()
        instance = func.instance
        funcs, tables, globs, memory, datas, elems = instance.environment
        mem = memory.data if memory is not None else None
