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
((type name: (identifier) @type.builtin) (#any-of? @type.builtin @TYPES@))
(attribute name: (identifier) @property)
(map_entry key: (identifier) @property)
(nested_block name: (identifier) @type)
(call function: (identifier) @function)

(sentence head: (identifier) @keyword)
(sentence (identifier) @keyword.operator (#any-of? @keyword.operator @CONTINUATIONS@ @JOINTS@))
(sentence (identifier) @keyword (#any-of? @keyword @CHOICES@))
((identifier) @constant.builtin (#any-of? @constant.builtin @VALUES@))

[@GRAMMAR@ @CONTROL@ @CLAUSES@ "from" "to" "until" "during" "apply"] @keyword

["=" "=>" "&&" "||" "??" "==" "!=" "<=" ">=" "<" ">" "+" "-" "*" "/" "%" "!"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," "." ":"] @punctuation.delimiter
