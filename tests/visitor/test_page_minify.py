"""The script's minifier: smaller, and the same meaning."""

from __future__ import annotations

import pytest

from gateway.visitor.page_minify import minified


@pytest.mark.parametrize(
    ("script", "small"),
    [
        ("var answer = 1; // why\nanswer += 2;\n", "var a=1;a+=2;"),
        ("/* a\n b */ var x = 'a // b';", "var x='a // b';"),
        ("var rest = s.replace(/[/'\"]/g, '//');", "var a=s.replace(/[/'\"]/g,'//');"),
        ("var half = total / 2 / parts;", "var a=total/2/parts;"),
        ("x = y + +z; x = y - -z; y++ + z;", "x=y+ +z;x=y- -z;y++ +z;"),
        ("function named(first, second) { return first.second; }", "function b(a,c){return a.second}"),
        ("var key = { key: key, 'key': 1 }; f(key ? key : other);", "var a={key:a,'key':1};f(a?a:other);"),
        ("var one = f(1, two), three = [one, four];", "var a=f(1,two),b=[a,four];"),
        ("for (var name in names) { use(name); }", "for(var a in names)use(a);"),
        ("return\nvalue", "return\nvalue"),
        ("try { f(); } catch (e) { }\nvar a = 1;", "try{f()}catch(e){}\nvar a=1;"),
        ("var word = a ?\n  word :\n  b;", "var c=a?\nc:\nb;"),
    ],
)
def test_a_script_gets_smaller_and_keeps_its_meaning(script: str, small: str) -> None:
    assert minified(script) == small


def test_names_of_the_browser_are_never_shortened() -> None:
    assert minified("document.title = location.href + String(window.name);") == (
        "document.title=location.href+String(window.name);"
    )


@pytest.mark.parametrize(
    ("script", "small"),
    [
        ("if (a) { b(); }", "if(a)b();"),
        ("if (a) { b(); } else { c(); }", "if(a)b();else c();"),
        ("if (a) { if (b) { c(); } } else { d(); }", "if(a){if(b)c()}else d();"),
        ("if (a) { b(); c(); }", "if(a){b();c()}"),
        ("for (;;) { b({x: 1}); }", "for(;;){b({x:1})}"),
        ("function a() { b(); }", "function a(){b()}"),
        ("try { a(); } catch (e) { b(); }", "try{a()}catch(e){b()}"),
        ("function f() { while (g(a)); }", "function f(){while(g(a));}"),
        ("if (a(b)(c)) { return; }", "if(a(b)(c))return;"),
        ("if (a) { }", "if(a){}"),
        ("if (a) { b = '{;}'; }", "if(a)b='{;}';"),
    ],
)
def test_braces_and_semicolons_that_say_nothing_go(script: str, small: str) -> None:
    assert minified(script) == small
