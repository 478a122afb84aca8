/// <reference types="tree-sitter-cli/dsl" />
// secnet for tree-sitter. `grammar/secnet.pest` is the grammar that counts; this one takes what that takes, and more.
// Words come from words.json, which the project's tests write from its own list. After a change: see README.md.

const words = require("./words.json");

const PROTOCOL = words.protocols.join("|");

/** One or more with commas, and perhaps one at the end. */
const listed = (rule) => seq(rule, repeat(seq(",", rule)), optional(","));

module.exports = grammar({
  name: "secnet",

  externals: ($) => [$._sentence_end, $._heredoc_open, $.heredoc_tag, $.heredoc_text, $._heredoc_close],

  extras: ($) => [/[\s\uFEFF]/, $.comment],

  word: ($) => $.identifier,

  conflicts: ($) => [],

  supertypes: ($) => [$._item, $._entry, $._expression],

  rules: {
    source_file: ($) => repeat($._item),

    comment: () => token(choice(/#[^\n]*/, /\/\/[^\n]*/)),

    // ---- statements ----

    _item: ($) =>
      choice(
        $.resource,
        $.existing,
        $.project,
        $.variable,
        $.let,
        $.output,
        $.module,
        $.extend,
        $.moved,
        $.import,
        $.forget,
        $.policy,
        $.waive,
        $.test,
        $.env,
      ),

    statement_name: ($) => $.identifier,

    resource: ($) => seq(field("kind", $.identifier), field("name", $.identifier), optional($._each), $.block),
    existing: ($) =>
      seq("existing", field("kind", $.identifier), field("name", $.identifier), optional(choice($.all, $._each)), $.block),
    project: ($) => seq("project", $.statement_name, choice($.block, $.string)),
    variable: ($) =>
      seq(
        "variable",
        $.statement_name,
        optional(seq(":", $.type)),
        optional(seq("=", $._expression)),
        optional($.string),
        optional($.block),
      ),
    let: ($) => seq("let", $.statement_name, "=", $._expression),
    output: ($) => seq("output", $.statement_name, "=", $._expression, optional($.string), optional($.block)),
    module: ($) => seq("module", $.statement_name, $.string, optional($._each), $.block),
    extend: ($) => seq("extend", $.target, optional($._each), $.block),
    moved: ($) => seq("moved", $.target, "to", $.target),
    import: ($) => seq("import", $.target, "from", $._expression),
    forget: ($) => seq("forget", $.target),
    policy: ($) => seq("policy", $.statement_name, optional($.string), optional(seq("during", "apply")), $.block),
    waive: ($) => seq("waive", $.statement_name, "until", $.date, optional($.string)),
    test: ($) => seq("test", $.string, $.block),
    env: ($) => seq("env", $.statement_name, $.block),

    _each: ($) => choice($.for_clause, $.if_clause),
    if_clause: ($) => seq("if", $._expression),
    all: () => seq("for", "{", "}"),
    for_clause: ($) =>
      prec.right(
        seq(
          "for",
          $.identifier,
          optional(seq(",", $.identifier)),
          "in",
          $._expression,
          optional(seq("if", $._expression)),
        ),
      ),

    target: ($) => prec.left(seq($.identifier, repeat(choice($.field, $.index, $.splat)))),
    date: () => token(prec(1, /[0-9][0-9A-Za-z_-]*/)),

    // ---- types ----

    type: ($) => seq(field("name", $.identifier), optional(seq("(", optional(choice($.object_type, listed($.type))), ")"))),
    object_type: ($) => seq("{", repeat(seq($.type_field, optional(","))), "}"),
    type_field: ($) => seq(field("name", $.identifier), optional("?"), ":", $.type),

    // ---- bodies ----

    block: ($) => seq("{", repeat($._entry), "}"),
    _entry: ($) => choice($.attribute, $.sentence, $.nested_block, $.for_block, $.if_block, $.with, $.validate),
    attribute: ($) => seq(field("name", choice($.identifier, alias($._clause, $.identifier))), "=", $._expression),
    _clause: () => choice("validate", "assert", "with"),
    nested_block: ($) => seq(field("name", $.identifier), $.block),
    for_block: ($) => seq($.for_clause, $.block),
    if_block: ($) =>
      seq("if", $._expression, $.block, repeat(seq("else", "if", $._expression, $.block)), optional(seq("else", $.block))),
    with: ($) => seq("with", field("name", $.identifier), "=", $._expression),
    validate: ($) => seq(choice("validate", "assert"), $._expression, optional($.string)),

    // A sentence ends with its line: the scanner sees where.
    sentence: ($) => seq(field("head", $.identifier), repeat1(choice($._term, ",")), $._sentence_end),
    _term: ($) =>
      choice(
        $.identifier,
        $.string,
        $.list,
        $.for_list,
        $.parenthesized,
        $.port_range,
        $.number,
        $.network,
        $.service,
        $.service_of,
        $.constant,
        $.call,
        alias($.negative, $.unary),
        alias($.member_term, $.member),
      ),
    negative: ($) => seq("-", token.immediate(/[0-9]+/)),
    member_term: ($) => prec.left(10, seq($._term, choice($.index, $.splat, $.field))),
    port_range: () => token(prec(1, /[0-9]+-[0-9]+/)),

    // ---- expressions ----

    _expression: ($) =>
      choice(
        $.identifier,
        $.string,
        $.heredoc,
        $.list,
        $.map,
        $.for_list,
        $.for_map,
        $.parenthesized,
        $.number,
        $.network,
        $.service,
        $.service_of,
        $.constant,
        $.call,
        $.conditional,
        $.unary,
        $.binary,
        $.member,
      ),

    member: ($) => prec.left(10, seq($._expression, choice($.index, $.splat, $.field))),
    field: ($) => seq(".", field("name", $.identifier)),
    index: ($) => seq(token.immediate("["), $._expression, "]"),
    splat: () => token.immediate("[*]"),

    parenthesized: ($) => seq("(", $._expression, ")"),
    call: ($) => seq(field("function", $.identifier), token.immediate("("), optional(listed($._expression)), ")"),
    list: ($) => seq("[", optional(listed($._expression)), "]"),
    map: ($) => seq("{", repeat(seq($.map_entry, optional(","))), "}"),
    map_entry: ($) => seq(field("key", choice($.identifier, $.string, alias($._word, $.identifier))), "=", $._expression),
    _word: () => choice("for", "if"),
    for_list: ($) => seq("[", $.for_clause, ":", $._expression, optional(seq("if", $._expression)), "]"),
    for_map: ($) => seq("{", $.for_clause, ":", $._expression, "=>", $._expression, optional(seq("if", $._expression)), "}"),
    conditional: ($) => prec.right(seq("if", $._expression, "then", $._expression, "else", $._expression)),

    unary: ($) => prec(9, seq(choice("!", "-"), $._expression)),
    binary: ($) => {
      const level = (at, ...operators) =>
        prec.left(at, seq($._expression, choice(...operators), $._expression));
      return choice(
        prec.left(1, seq($._expression, "??", $._expression)),
        prec.left(2, seq($._expression, "||", $._expression)),
        prec.left(3, seq($._expression, "&&", $._expression)),
        level(4, "==", "!="),
        level(5, "<", "<=", ">", ">="),
        level(6, "+", "-"),
        level(7, "*", "/", "%"),
      );
    },

    constant: () => choice(...words.constants),

    // ---- literals, in a loose shape ----

    number: () => token(/[0-9]+(\.[0-9]+)?[A-Za-z0-9_]*/),
    network: () =>
      token(
        prec(
          1,
          choice(
            /[0-9]+\.[0-9]+(\.[0-9]+)+[A-Za-z0-9_]*(\/[A-Za-z0-9_]*)?/,
            /[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*(\.[0-9]+)*(\/[A-Za-z0-9_]*)?/,
            /\/[0-9]+[A-Za-z0-9_]*/,
          ),
        ),
      ),
    service: () =>
      token(
        choice(
          new RegExp(`(${PROTOCOL})/([A-Za-z0-9_-]|/[A-Za-z0-9_]|,[0-9])+`),
          /[A-Za-z_][A-Za-z0-9_]*\/[0-9]([A-Za-z0-9_-]|\/[A-Za-z0-9_]|,[0-9])*/,
        ),
      ),
    // `tcp/(port)`, `tcp/(lo)-(hi)`, `tcp/22,(port)`
    service_of: ($) =>
      prec.left(
        seq(
          choice(alias(token(new RegExp(`(${PROTOCOL}|[A-Za-z_][A-Za-z0-9_]*)/`)), $.protocol), $.service),
          repeat1(choice($._port_expression, token.immediate(prec(1, /[,-][0-9]+([,-][0-9]+)*-?/)))),
        ),
      ),
    _port_expression: ($) => seq(token.immediate(prec(1, choice("(", ",(", "-("))), $._expression, ")"),

    string: ($) =>
      seq(
        '"',
        repeat(choice(token.immediate(prec(1, /[^"\\$\n\r]+/)), token.immediate(prec(1, "$")), $.escape, $.interpolation)),
        token.immediate('"'),
      ),
    escape: () => token.immediate(prec(2, choice("$${", /\\u\{[^}"\n\r]*\}/, /\\[^\n\r]/))),
    interpolation: ($) => seq(token.immediate(prec(2, "${")), $._expression, "}"),

    heredoc: ($) => seq($._heredoc_open, $.heredoc_tag, repeat(choice($.heredoc_text, $.interpolation)), $._heredoc_close),

    identifier: () => /[A-Za-z_][A-Za-z0-9_]*/,
  },
});
