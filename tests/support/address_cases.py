"""Web addresses and what must become of them: own cases, and the public tricks of request forgery.

Each row is an address and the host that it is on, ``host:port`` if that is not the scheme's, or
``no`` for one that has to be refused whatever a policy says.
"""

from __future__ import annotations

NO = "no"

#: what means an address, and on which host
PLAIN: list[tuple[str, str]] = [
    ("http://example.com", "example.com"),
    ("http://example.com/", "example.com"),
    ("https://example.com/a/b?c=d&e=f", "example.com"),
    ("HTTP://EXAMPLE.COM/", "example.com"),
    ("hTtPs://ExAmPlE.cOm/", "example.com"),
    ("https://example.com.", "example.com"),
    ("https://example.com./x", "example.com"),
    ("https://sub.example.com", "sub.example.com"),
    ("https://a-b.example.com", "a-b.example.com"),
    ("https://a_b.example.com", "a_b.example.com"),
    ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("https://b\u00fccher.example", "xn--bcher-kva.example"),
    ("https://B\u00dcCHER.example", "xn--bcher-kva.example"),
    ("https://\uff45\uff58\uff41mple.com", "example.com"),
    ("https://example\u3002com", "example.com"),
    ("https://example.com:443", "example.com"),
    ("http://example.com:80/", "example.com"),
    ("http://example.com:/", "example.com"),
    ("http://example.com:8080/", "example.com:8080"),
    ("https://example.com:80/", "example.com:80"),
    ("https://example.com:65535/", "example.com:65535"),
    ("https://example.com:00443/", "example.com"),
    ("https://example.com?x=@evil.test", "example.com"),
    ("https://example.com#@evil.test", "example.com"),
    ("https://example.com?http://evil.test/", "example.com"),
    ("https://example.com/@evil.test", "example.com"),
    ("https://example.com/http://evil.test", "example.com"),
    ("https://example.com//evil.test", "example.com"),
    ("https://example.com/%0d%0aHost:%20evil", "example.com"),
    ("https://example.com/..;/x", "example.com"),
    ("https://example.com/a'b(c)", "example.com"),
    ("https://example.com/\u00e9?\u00e9", "example.com"),
    ("https://93.184.215.14/", "93.184.215.14"),
    ("https://93.184.215.14:8443/", "93.184.215.14:8443"),
    ("https://[2606:2800:21f:cb07::1]/", "2606:2800:21f:cb07::1"),
    ("https://[2606:2800:21F:CB07:0:0:0:1]:8443/", "2606:2800:21f:cb07::1:8443"),
    ("https://1e100.net", "1e100.net"),
    ("https://1.example", "1.example"),
    ("https://0x7f.example", "0x7f.example"),
    ("https://com", "com"),
    ("https://evil.test.good.example", "evil.test.good.example"),
    ("https://good.example.evil.test", "good.example.evil.test"),
    ("https://localhost.evil.test", "localhost.evil.test"),
    ("https://127.0.0.1.nip.example", "127.0.0.1.nip.example"),
]

#: what is refused as it stands
MALFORMED: list[str] = [
    *("", " ", "example.com", "//example.com", "/x", "http", "http:", "http:/", "http://", "http:///"),
    *("http:///example.com", "http:example.com", "http:/example.com", "http:////example.com"),
    *("ftp://example.com", "file:///etc/passwd", "gopher://example.com", "dict://example.com:11211"),
    *("ldap://example.com", "javascript:alert(1)", "data:text/plain,x", "jar:http://example.com!/"),
    *("ws://example.com", "unix:///run/x", "tftp://example.com", "netdoc:/etc/passwd", "blob:x"),
    # user information
    *("https://user@example.com", "https://user:pass@example.com", "https://@example.com"),
    *("https://good.example@evil.test", "https://good.example:80@evil.test", "https://a@b@c.test"),
    *("https://good.example%40evil.test", "https://good.example#@evil.test@x/".replace("#", "%23")),
    "https://evil.test%2f@good.example",
    # backslashes, white space, control characters
    *("https://good.example\\@evil.test", "https:\\\\evil.test", "https://evil.test\\.good.example"),
    *("https:/\\evil.test", "\\\\evil.test", "https://good.example/\\evil.test"),
    *("https://good.example /", " https://good.example", "https://good.example\t", "https://a\nb.test"),
    *("https://good.example\r\nHost: evil.test", "https://good.example\x00.evil.test", "https://a\x7f"),
    *("ht\ttps://good.example", "https://good.example/a b", "https://good.example/\x0b", "h\nttp://a"),
    *("https://good.example\u2028", "https://good.example\u00a0", "https://\ud800.test"),
    *("https://good.example/\x85", "https://good\u00a0.example", "https://good.example\u2029/x"),
    # hosts that are none
    *("https://.", "https://..", "https://.example.com", "https://example..com", "https://a..b/"),
    *("https://example.com..", "https://-a.test", "https://a-.test", "https://a.-b.test"),
    *("https://exa%6dple.com", "https://%65xample.com", "https://example.com%00", "https://a%2eb"),
    *("https://exam ple.com", "https://a,b.test", "https://a;b.test", "https://a&b.test"),
    *("https://a=b.test", "https://a$b.test", "https://a!b.test", "https://a'b.test", "https://*.test"),
    *("https://<a>.test", "https://{a}.test", "https://a|b.test", "https://a^b.test", "https://a`b"),
    *('https://"a".test', "https://(a).test", "https://a+b.test", "https://a~b.test"),
    *(f"https://{'a' * 64}.test", f"https://{'a.' * 127}test", f"https://a.test/{'x' * 9000}"),
    *("https://a\u2100b.test", "https://\u2488.test", "https://ex\u200eample.com\u200b/"),
    *("https://a\u202e.test", "https://xn--\u00e9.test"),
    # ports that are none
    *("https://a.test:0", "https://a.test:65536", "https://a.test:99999", "https://a.test:-1"),
    *("https://a.test:x", "https://a.test:80:80", "https://a.test:80x", "https://a.test: 80"),
    *("https://a.test:\u0661", "https://a.test:1e3", "https://a.test:0x50", "https://a.test:+80"),
    # IPv4 that some read and others do not
    *("http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://0x7f.0.0.1/"),
    *("http://127.1/", "http://127.0.1/", "http://0/", "http://0x0/", "http://00/", "http://1/"),
    *("http://0177.0.0.1/", "http://127.0.0.01/", "http://0127.0.0.1/", "http://127.0.0.0x1/"),
    *("http://256.0.0.1/", "http://1.2.3.4.5/", "http://1.2.3/", "http://1.2/", "http://999/"),
    *("http://127.0.0.1e0x1/".replace("e0x1", ".0x1"), "http://4294967297/", "http://0b1.0.0.1.2/"),
    *("http://\u2460\u2461\u2462.1/", "http://\uff11\uff12\uff17.1/", "http://127\u30021/"),
    *("http://example.0x7f/", "http://example.1/", "http://a.0x/"),
    # IPv6 that is none, or is somebody's own
    *("http://[::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[fe80::1%251]/", "http://[::1/"),
    *("http://::1/", "http://[]/", "http://[:]/", "http://[1]/", "http://[::g]/", "http://[[::1]]/"),
    *("http://[v1.x]/", "http://[::1]x/", "http://x[::1]/", "http://[::1]]/", "http://[::127.1]/"),
    *("http://[1:2:3:4:5:6:7:8:9]/", "http://[127.0.0.1]/", "http://[::01.2.3.4]/"),
]  # fmt: skip

#: addresses in numbers that are nobody's on the Internet: refused unless a network opens them
PRIVATE: list[str] = [
    *("127.0.0.1", "127.1.2.3", "127.255.255.255", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.1.1"),
    *("172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.1", "169.254.169.254"),
    *("169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.2.3"),
    *("240.0.0.1", "255.255.255.255", "100.100.100.200"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:8.8.8.8]"),
    "[::127.0.0.1]",
    *("[64:ff9b::127.0.0.1]", "[64:ff9b::808:808]", "[64:ff9b:1::1]", "[fe80::1]", "[febf::1]"),
    *("[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[2002:7f00:1::]"),
    *("[2001::1]", "[2001:10::1]", "[3fff::1]", "[100::1]", "[4000::1]", "[::2]"),
]  # fmt: skip

#: where links lead that stand at https://good.example/a/b
LINKS: list[tuple[str, str]] = [
    ("/x", "https://good.example/x"),
    ("x", "https://good.example/a/x"),
    ("../x", "https://good.example/x"),
    ("../../../x", "https://good.example/x"),
    ("?x", "https://good.example/a/b?x"),
    ("", "https://good.example/a/b"),
    ("//evil.test/x", "https://evil.test/x"),
    ("//EVIL.test:8443/x", "https://evil.test:8443/x"),
    ("http://good.example/", "http://good.example/"),
    ("https://good.example./x#y", "https://good.example/x"),
    ("HTTPS://evil.test", "https://evil.test/"),
    ("http:x", NO),
    ("http:///evil.test", NO),
    ("///evil.test", NO),
    ("//user@evil.test", NO),
    ("/\\evil.test", NO),
    ("\\\\evil.test", NO),
    ("https:evil.test", NO),
    ("javascript:x", NO),
    ("file:///etc/passwd", NO),
    ("ftp://good.example/", NO),
    ("/x y", NO),
    ("/x\r\nSet-Cookie: a", NO),
    ("//127.1/", NO),
    ("//[::1%25lo]/", NO),
]
