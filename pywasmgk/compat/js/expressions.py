"""Carries out expressions (ECMA-262, "ECMAScript Language: Expressions")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .frames import Closure, Core, Frame, Scope
from .objects import (
    UNDEFINED,
    Accessor,
    Array,
    BigInt,
    Foreign,
    Function,
    Object,
    ScriptError,
)
from .operators import binary, loosely_equal, to_int32, to_number, to_text, truthy, type_of
from .properties import (
    iterate,
    own_keys,
    property_key,
    read_property,
    require_object,
    write_property,
)
from .reading import FunctionNode, Node

__all__ = ["Expressions"]


class Expressions(Core):
    """What has a value."""

    def _x_literal(self, scope: Scope, node: Node) -> Any:
        return node[1]

    def _x_name(self, scope: Scope, node: Node) -> Any:
        names = scope.find(node[1])
        if names is None:
            raise self.realm.error("ReferenceError", f"{node[1]} is not defined")
        return names[node[1]]

    def _x_this(self, scope: Scope, node: Node) -> Any:
        return scope.frame.this

    def _x_new_target(self, scope: Scope, node: Node) -> Any:
        return scope.frame.new_target

    def _x_template(self, scope: Scope, node: Node) -> Any:
        parts = [
            part if isinstance(part, str) else to_text(self.evaluate(scope, part))
            for part in node[1]
        ]
        return self.realm.text("".join(parts))

    def _x_regex(self, scope: Scope, node: Node) -> Any:
        raise ScriptError(f"regular expressions are not run here: {node[1]:.80}")

    def _x_sequence(self, scope: Scope, node: Node) -> Any:
        return [self.evaluate(scope, item) for item in node[1]][-1]

    def _x_array(self, scope: Scope, node: Node) -> Any:
        return self.realm.array(self._items(scope, node[1]))

    def _items(self, scope: Scope, nodes: Sequence[Node | None]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if node is None:
                found.append(UNDEFINED)
            elif node[0] == "spread":
                found.extend(iterate(self.realm, self.evaluate(scope, node[1])))
            else:
                found.append(self.evaluate(scope, node))
        return found

    def _x_object(self, scope: Scope, node: Node) -> Any:
        found = self.realm.object()
        for kind, key, value in node[1]:
            item = self.evaluate(scope, value)
            if kind == "spread":
                for name in own_keys(item):
                    found.put(name, read_property(self.realm, item, name))
                continue
            name = property_key(self.evaluate(scope, key))
            if isinstance(item, Closure):
                item.home = item.home or found
                item.name = item.name or str(name)
            if kind == "init":
                found.put(name, item)
            else:
                _set_accessor(found, name, kind, item)
        return found

    def _x_function(self, scope: Scope, node: Node) -> Any:
        made: FunctionNode = node[1]
        if not made.name or made.arrow:
            return Closure(self, made, scope)
        inner = Scope(scope)
        found = inner.names[made.name] = Closure(self, made, inner)
        return found

    def _x_class(self, scope: Scope, node: Node) -> Any:
        _, name, parent_node, members = node
        parent = None if parent_node is None else self.evaluate(scope, parent_node)
        inner = Scope(scope)
        default = FunctionNode(name, [], [], False)
        made = next(
            (value for static, _, key, value in members if not static and _is_constructor(key)),
            default,
        )
        found = Closure(self, made._replace(name=name), inner)
        found.is_class, found.parent = True, parent
        if made is default and parent is not None:
            args: Node = ("spread", ("name", "arguments"))
            body = [("expression", ("call", ("super",), [args], False))]
            found.node = default._replace(body=body)
        proto = found.home = found.properties["prototype"]
        if isinstance(parent, Function):
            proto.proto = parent.properties.get("prototype")
            found.properties.proto = parent.properties
        if name:
            inner.names[name] = found
        for static, kind, key, value in members:
            if static or not _is_constructor(key):
                self._add_member(found, inner, (static, kind, key, value))
        return found

    def _add_member(self, owner: Closure, scope: Scope, member: tuple[Any, ...]) -> None:
        static, kind, key_node, value = member
        place = owner.properties if static else owner.properties["prototype"]
        if kind == "block":
            Closure(self, value, Scope(scope, Frame(owner, owner))).call(owner, ())
            return
        key = property_key(self.evaluate(scope, key_node))
        if kind == "field" and not static:
            owner.fields.append((key, value))
        elif kind == "field":
            inner = Scope(scope, Frame(owner, owner))
            place[key] = UNDEFINED if value is None else self.evaluate(inner, value)
        else:
            method = Closure(self, value, scope)
            method.home = place
            if kind == "method":
                place[key] = method
            else:
                _set_accessor(place, key, kind, method)

    def _x_conditional(self, scope: Scope, node: Node) -> Any:
        return self.evaluate(scope, node[2] if truthy(self.evaluate(scope, node[1])) else node[3])

    def _x_logical(self, scope: Scope, node: Node) -> Any:
        _, operator, left, right = node
        value = self.evaluate(scope, left)
        return value if _decided(operator, value) else self.evaluate(scope, right)

    def _x_binary(self, scope: Scope, node: Node) -> Any:
        _, operator, left_node, right_node = node
        left, right = self.evaluate(scope, left_node), self.evaluate(scope, right_node)
        if operator == "instanceof":
            return self.is_instance(left, right)
        if operator == "in":
            require_object(right, "search in")
            missing = object()
            return read_property(self.realm, right, property_key(left), missing) is not missing
        return binary(self.realm, operator, left, right)

    def is_instance(self, value: Any, function: Any) -> bool:
        """The operator ``instanceof``."""
        if not isinstance(function, Function):
            raise TypeError("Right-hand side of 'instanceof' is not callable")
        proto = function.properties.get("prototype")
        at = self.proto_of(value)
        while at is not None:
            if at is proto:
                return True
            at = at.proto
        return False

    def proto_of(self, value: Any) -> Object | None:
        """The prototype of a value that is an object."""
        if isinstance(value, Object):
            return value.proto
        if isinstance(value, Array):
            return self.realm.protos["Array"]
        if isinstance(value, Function):
            return self.realm.protos["Function"]
        return self.realm.protos.get(value.kind) if isinstance(value, Foreign) else None

    def _x_unary(self, scope: Scope, node: Node) -> Any:
        _, operator, operand = node
        if operator == "typeof" and operand[0] == "name" and scope.find(operand[1]) is None:
            return "undefined"
        if operator == "delete":
            return self._delete(scope, operand)
        value = self.evaluate(scope, operand)
        if operator == "typeof":
            return type_of(value)
        if operator == "!":
            return not truthy(value)
        if operator == "void":
            return UNDEFINED
        if operator == "await":
            return self.awaited(value)
        if operator == "~":
            return ~to_int32(value)
        if operator == "-":
            return -0.0 if value.__class__ is int and not value else _negated(value)
        return to_number(value)

    def _delete(self, scope: Scope, operand: Node) -> bool:
        if operand[0] == "member":
            owner = self.evaluate(scope, operand[1])
            key = property_key(self.evaluate(scope, operand[2]))
            if isinstance(owner, Object):
                owner.pop(key, None)
            elif isinstance(owner, Array) and isinstance(key, int) and 0 <= key < len(owner):
                owner[key] = UNDEFINED
        return True

    def _x_update(self, scope: Scope, node: Node) -> Any:
        _, operator, target, first = node
        old = self.evaluate(scope, target)
        old = old if type_of(old) == "bigint" else to_number(old)
        new = type(old)(old + (1 if operator == "++" else -1))
        self.bind(scope, target, new, None)
        return new if first else old

    def _x_assign(self, scope: Scope, node: Node) -> Any:
        _, operator, target, value_node = node
        if operator in ("&&=", "||=", "??="):
            old = self.evaluate(scope, target)
            if _decided(operator[:-1], old):
                return old
            value = self.evaluate(scope, value_node)
        elif operator == "=":
            if target[0] == "member" and target[1][0] != "super":
                return self.assign_member(scope, target, None, value_node)
            value = self.evaluate(scope, value_node)
        else:
            old = self.evaluate(scope, target)
            value = binary(self.realm, operator[:-1], old, self.evaluate(scope, value_node))
        self.bind(scope, target, value, None)
        return value

    def assign_member(
        self, scope: Scope, target: Node, value: Any, value_node: Node | None = None
    ) -> Any:
        """Sets a property; the value is evaluated behind the object and the key."""
        owner = self.evaluate(scope, target[1])
        key = property_key(self.evaluate(scope, target[2]))
        if value_node is not None:
            value = self.evaluate(scope, value_node)
        write_property(self.realm, owner, key, value)
        return value

    def _x_member(self, scope: Scope, node: Node) -> Any:
        return self._member(scope, node)[1]

    def _member(self, scope: Scope, node: Node) -> tuple[Any, Any]:
        """An object and its property."""
        _, owner_node, key_node, optional = node
        if owner_node[0] == "super":
            function = scope.frame.function
            home = None if function is None or function.home is None else function.home.proto
            key = property_key(self.evaluate(scope, key_node))
            this = scope.frame.this
            return this, read_property(self.realm, home, key, receiver=this)
        owner = self.evaluate(scope, owner_node)
        if (owner is None or owner is UNDEFINED) and (optional or _is_optional(owner_node)):
            return UNDEFINED, UNDEFINED
        key = key_node[1] if key_node[0] == "literal" else self.evaluate(scope, key_node)
        return owner, read_property(self.realm, owner, property_key(key))

    def _x_call(self, scope: Scope, node: Node) -> Any:
        _, callee, arguments, optional = node
        if callee[0] == "super":
            return self._call_parent(scope, arguments)
        this: Any = UNDEFINED
        if callee[0] == "member":
            this, function = self._member(scope, callee)
        else:
            function = self.evaluate(scope, callee)
        if function is UNDEFINED or function is None:
            if optional or _is_optional(callee):
                return UNDEFINED
        args = self._items(scope, arguments)
        if not isinstance(function, Function):
            raise TypeError(f"{_described(callee)} is not a function")
        self.step()
        return function.call(this, args)

    def _call_parent(self, scope: Scope, arguments: Sequence[Node]) -> Any:
        frame = scope.frame
        function = frame.function
        if function is None or function.parent is None:
            raise TypeError("'super' is not allowed here")
        args = self._items(scope, arguments)
        frame.this = function.parent.construct(args, frame.new_target)
        self.set_fields(function, frame.this)
        return frame.this

    def _x_new(self, scope: Scope, node: Node) -> Any:
        function = self.evaluate(scope, node[1])
        args = self._items(scope, node[2])
        if not isinstance(function, Function):
            raise TypeError(f"{_described(node[1])} is not a constructor")
        self.step()
        return function.construct(args)


def _negated(value: Any) -> Any:
    return BigInt(-value) if isinstance(value, BigInt) else -to_number(value)


def _is_optional(node: Node) -> bool:
    """Whether a chain has ``?.`` in it."""
    while node[0] in ("member", "call"):
        if node[3]:
            return True
        node = node[1]
    return False


def _decided(operator: str, value: Any) -> bool:
    if operator == "??":
        return not loosely_equal(value, None)
    return truthy(value) == (operator == "||")


def _is_constructor(key: Node | None) -> bool:
    return key == ("literal", "constructor")


def _set_accessor(place: Object, key: Any, kind: str, function: Function) -> None:
    accessor = place.get(key)
    if not isinstance(accessor, Accessor):
        accessor = place[key] = Accessor()
    setattr(accessor, kind, function)


def _described(node: Node) -> str:
    if node[0] == "member" and node[2][0] == "literal":
        return f"{_described(node[1])}.{node[2][1]}"
    return str(node[1]) if node[0] == "name" else "(expression)"
