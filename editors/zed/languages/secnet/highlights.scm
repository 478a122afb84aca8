; Colours for tree-sitter, written by the project's tests from secnet's own list of words: see editors/README.md.

(identifier) @variable
(field name: (identifier) @property)
(comment) @comment
((comment) @comment.documentation (#match? @comment.documentation "^##"))

(string) @string
(heredoc) @string
(heredoc_tag) @label
(escape) @string.escape
(interpolation ["${" "}"] @punctuation.special)

(number) @number
(date) @number
(port_range) @number
(network) @number
(service) @constant
(service_of) @constant
(constant) @constant.builtin

(resource kind: (identifier) @type)
(resource name: (identifier) @label)
(existing kind: (identifier) @type)
(existing name: (identifier) @label)
(statement_name) @label
(type name: (identifier) @type)
((type name: (identifier) @type.builtin) (#any-of? @type.builtin "string" "int" "float" "bool" "cidr" "ip" "service" "peer" "duration" "list" "set" "map" "object"))
(attribute name: (identifier) @property)
(map_entry key: (identifier) @property)
(nested_block name: (identifier) @type)
(call function: (identifier) @function)

(sentence head: (identifier) @keyword)
(sentence (identifier) @keyword.operator (#any-of? @keyword.operator "from" "to" "via" "except" "client" "during" "until"))
(sentence (identifier) @keyword (#any-of? @keyword "allow" "deny"))
((identifier) @constant.builtin (#any-of? @constant.builtin "anywhere" "internet" "any" "all" "tcp" "udp" "icmp" "icmpv6"))

["project" "variable" "let" "output" "existing" "policy" "moved" "waive" "module" "extend" "import" "forget" "test" "env" "for" "in" "if" "then" "else" "validate" "assert" "with" "from" "to" "until" "during" "apply"] @keyword

["=" "=>" "&&" "||" "??" "==" "!=" "<=" ">=" "<" ">" "+" "-" "*" "/" "%" "!"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," "." ":"] @punctuation.delimiter
