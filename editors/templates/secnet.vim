" Vim syntax of secnet, written by the project's tests from its own list of words: see editors/README.md.
if exists("b:current_syntax")
  finish
endif

syn match secnetNumber /\<[0-9]\+\%(\.[0-9]\+\|-[0-9]\+\|[A-Za-z]\+\)\?\>/
syn match secnetNetwork /\<[0-9]\+\%(\.[0-9]\+\)\{2,}\%(\/[0-9]\+\)\?/
syn match secnetNetwork /\%([0-9A-Fa-f]\+\)\?:[0-9A-Fa-f]*:[0-9A-Fa-f:]*\%(\/[0-9]\+\)\?/
syn match secnetService /\<\%(@PROTOCOLS@\)\/[-[:alnum:]_,\/]*/
syn match secnetFunction /\<\h\w*\ze(/
syn match secnetName /\%(^\s*\%(existing\s\+\)\?\h\w*\s\+\)\@<=\h\w*\ze\s*\%({\|\<for\>\|\<if\>\)/
syn match secnetType /^\s*\%(existing\s\+\)\?\zs\h\w*\ze\s\+\h\w*\s*\%({\|\<for\>\|\<if\>\)/
syn match secnetType /\%(^\s*existing\s\+\)\@<=\h\w*\ze\s\+\h/
syn match secnetType /\<\h\w*\ze\./
syn match secnetAttribute /\%(\w\|\.\)\@<!\h\w*\ze\s*=[^=>]/
syn match secnetControl /\%(\w\|\.\)\@<!\%(@CONTROL@\)\>/
syn match secnetConstant /\%(\w\|\.\)\@<!\%(@CONSTANTS@\)\>/
syn match secnetValue /\%(\w\|\.\)\@<!\%(@VALUES@\)\>[.(\/]\@!/
syn match secnetJoint /\%(\w\|\.\)\@<!\%(@CONTINUATIONS@\|@JOINTS@\|@CHOICES@\)\>\%(\s*[=.(]\)\@!/
syn match secnetHead /\%(^\|[{}]\)\s*\zs\%(@HEADS@\|@CLAUSES@\)\>\ze\s\+[^={ ]/
syn match secnetStatement /^\%(@STATEMENTS@\)\>/
syn match secnetComment /#.*$/ contains=@Spell
syn match secnetComment /\/\/.*$/ contains=@Spell
syn match secnetEscape /\\\%([ntr"\\]\|u{\x\{1,6}}\)\|\$\${/ contained
syn region secnetString start=/"/ skip=/\\./ end=/"\|$/ contains=secnetEscape,secnetInterpolation
syn region secnetHeredoc matchgroup=secnetEscape start=/<<\~\?\z(\h\w*\)\s*$/ end=/^\s*\z1\ze\s*\%($\|[,)\]}]\)/ contains=secnetInterpolation
syn region secnetInterpolation matchgroup=secnetEscape start=/\$\@<!\${/ end=/}/ contained contains=secnetNumber,secnetNetwork,secnetFunction,secnetType,secnetString,secnetConstant

hi def link secnetStatement Keyword
hi def link secnetControl Conditional
hi def link secnetHead Statement
hi def link secnetJoint Operator
hi def link secnetConstant Boolean
hi def link secnetValue Constant
hi def link secnetService Constant
hi def link secnetNetwork Number
hi def link secnetNumber Number
hi def link secnetFunction Function
hi def link secnetType Type
hi def link secnetName Identifier
hi def link secnetAttribute Identifier
hi def link secnetComment Comment
hi def link secnetString String
hi def link secnetHeredoc String
hi def link secnetEscape Special

let b:current_syntax = "secnet"
