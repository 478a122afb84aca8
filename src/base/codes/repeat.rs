//! E02: many of a kind. What a `for` goes through, and the keys that it gives.

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    NOT_ITERABLE = "E0251" "this cannot be gone through"
"A `for` goes through the elements of a list or a set, or the keys and values of a map.

```secnet error E0251
subnet private for az in \"us-east-1a\" { vpc = vpc.main  cidr_block = 10.0.3.0/24 }       # [\"us-east-1a\"]
```

Put a single value into brackets. What may be null gets an empty list instead: `for x in xs ?? []`.";
    NO_KEY = "E0252" "an element gives no key"
"Each resource of a `for` has a key of its own, which is its name in the plan, in the state and in references: the key of the
map that is gone through, or the element of a list of strings, whole numbers, networks or addresses. An index would be no
key: taking out the first element would rename all that follow, and each would be made anew.

```secnet error E0252
subnet app for s in [{ az = \"us-east-1a\" }, { az = \"us-east-1b\" }] { vpc = vpc.main  cidr_block = 10.0.3.0/24 }
```

Make it a map: `for name, s in { a = { az = \"us-east-1a\" } }`, or `for az, s in {for s in list : s.az => s}`.";
    DUPLICATE_KEY = "E0253" "two elements give the same key"
"Each resource of a `for`, and each entry of a map, has a key of its own.

```secnet error E0253
subnet app for az in [\"us-east-1a\", \"us-east-1a\"] { vpc = vpc.main  cidr_block = 10.0.3.0/24 }
```

Take the second one out, or go through `distinct(list)`.";
    UNKNOWN_KEY = "E0254" "which there are must be known while planning"
"How many resources there are, and how they are called, is part of the plan. What EC2 decides only when it makes something
cannot say that; what is written in the sources can, and so can the attributes of a resource that are written there.

```secnet error E0254
route_table each for id in [vpc.main.id] { vpc = vpc.main }      # EC2 gives the id
```

Go through something that is written down, such as the keys of a map, and use the unknown value inside.";
    TOO_MANY = "E0255" "a `for` goes through too much"
"There is a limit to how many elements all the `for` of a project together may go through, so that a mistake in a number
ends with a message and not with a machine that stands still.";
    ONLY_SENTENCES = "E0256" "only sentences can be repeated here"
"In the body of a resource or a policy, `for` and `if` hold sentences, which a resource may have any number of. An attribute
is there once.

```secnet error E0207 E0256
instance web {
  image           = ami(\"al2023\")
  subnet          = subnet.public
  security_groups = [security_group.web]
  if production { instance_type = \"m7i.large\" }
}
```

Choose the value: `instance_type = if production then \"m7i.large\" else \"t3.micro\"`; `null` is as if it were not written.";
}

/// A `for` over something that has no elements.
#[must_use]
pub fn not_iterable(found: &str, at: Span, is_null: bool) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NOT_ITERABLE, format!("`for` goes through a list or a map, not {found}")).at(at, "");
    diagnostic.help(if is_null {
        "give it something else where it is null: `... ?? []`"
    } else {
        "put a single value into brackets: `[...]`"
    })
}

/// An element of a list that cannot be a key.
#[must_use]
pub fn no_key(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_KEY, format!("{found} is no key for a resource"))
        .at(at, "its elements")
        .help("go through a map, whose keys are the names: `for name, x in {for x in list : x.name => x}`")
}

/// A key that is there already.
#[must_use]
pub fn duplicate_key(key: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&DUPLICATE_KEY, format!("the key {key} is there twice"))
        .at(at, "")
        .help("go through `distinct(...)`, or give each a key of its own")
}

/// Something that EC2 will decide, where it would say how many there are.
#[must_use]
pub fn unknown_key(value: &str, what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&UNKNOWN_KEY, format!("{what} must be known while planning, and EC2 decides `{value}`"))
        .at(at, "known after apply")
        .help("go through something that is written in the sources, such as the keys of a map, and use the unknown value inside")
}

/// Too many elements in all.
#[must_use]
pub fn too_many(most: usize, at: Span) -> Diagnostic {
    Diagnostic::error(&TOO_MANY, format!("the project goes through more than {most} elements"))
        .at(at, "the limit is reached here")
        .help("go through fewer; a service takes a range of ports, and a network is one value however large it is")
}

/// An attribute or a block in a `for` or `if` of a body.
#[must_use]
pub fn only_sentences(word: &str, at: Span, attribute: bool) -> Diagnostic {
    let what = if attribute { "an attribute" } else { "a block" };
    let diagnostic = Diagnostic::error(&ONLY_SENTENCES, format!("`{word}` is {what}, and only sentences can be repeated here")).at(at, "");
    diagnostic.help(if attribute { format!("choose its value: `{word} = if ... then ... else null`") } else { "write it outside".into() })
}
