// What a grammar of words cannot see: where a sentence ends, which is with its line, and where a heredoc does.

#include "tree_sitter/alloc.h"
#include "tree_sitter/parser.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SENTENCE_END, HEREDOC_OPEN, HEREDOC_TAG, HEREDOC_TEXT, HEREDOC_CLOSE };

#define TAG_MAX 64
#define DEPTH_MAX 8

// The heredocs that are open, the innermost last: one may stand in what is put into another.
typedef struct {
  uint8_t depth;
  // Whether the next character is the first of a line of the innermost.
  bool line_start;
  uint8_t lengths[DEPTH_MAX];
  char tags[DEPTH_MAX][TAG_MAX];
} Scanner;

static bool is_word(int32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r'; }

void *tree_sitter_secnet_external_scanner_create(void) { return ts_calloc(1, sizeof(Scanner)); }

void tree_sitter_secnet_external_scanner_destroy(void *payload) { ts_free(payload); }

unsigned tree_sitter_secnet_external_scanner_serialize(void *payload, char *buffer) {
  Scanner *scanner = payload;
  unsigned size = 0;
  buffer[size++] = (char)scanner->depth;
  buffer[size++] = (char)scanner->line_start;
  for (unsigned i = 0; i < scanner->depth; i++) {
    buffer[size++] = (char)scanner->lengths[i];
    memcpy(buffer + size, scanner->tags[i], scanner->lengths[i]);
    size += scanner->lengths[i];
  }
  return size;
}

void tree_sitter_secnet_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  Scanner *scanner = payload;
  memset(scanner, 0, sizeof(Scanner));
  if (length < 2) return;
  unsigned size = 0;
  uint8_t depth = (uint8_t)buffer[size++];
  scanner->line_start = buffer[size++] != 0;
  for (unsigned i = 0; i < depth && i < DEPTH_MAX && size < length; i++) {
    uint8_t tag = (uint8_t)buffer[size++];
    if (tag > TAG_MAX || size + tag > length) return;
    scanner->lengths[i] = tag;
    memcpy(scanner->tags[i], buffer + size, tag);
    size += tag;
    scanner->depth = (uint8_t)(i + 1);
  }
}

static void skip(TSLexer *lexer) { lexer->advance(lexer, true); }
static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }

// A word of at most 15 characters; longer ones are cut.
static void read_word(TSLexer *lexer, char *word) {
  unsigned length = 0;
  while (is_word(lexer->lookahead)) {
    if (length < 15) word[length++] = (char)lexer->lookahead;
    advance(lexer);
  }
  word[length] = 0;
}

// Whether what follows a word makes an attribute of it: `=`, and not `==`.
static bool is_assigned(TSLexer *lexer) {
  while (is_blank(lexer->lookahead)) advance(lexer);
  if (lexer->lookahead != '=') return false;
  advance(lexer);
  return lexer->lookahead != '=';
}

// A sentence ends before the end of its line, before `}`, and before an attribute or a block on the same line. It goes on where the next
// line begins with a comma, a string, or a word that continues.
static bool sentence_end(TSLexer *lexer) {
  static const char *continuations[] = {"from", "to", "via", "except", "client", "during"};
  lexer->result_symbol = SENTENCE_END;
  while (is_blank(lexer->lookahead)) skip(lexer);
  lexer->mark_end(lexer);
  if (lexer->eof(lexer) || lexer->lookahead == '}') return true;
  char word[16];
  bool newline = false;
  for (;;) {
    while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') {
      newline = newline || lexer->lookahead == '\n';
      advance(lexer);
    }
    bool comment = lexer->lookahead == '#';
    if (lexer->lookahead == '/') {
      advance(lexer);
      // A lone `/` is nobody's beginning; let the parser say so.
      if (lexer->lookahead != '/') return false;
      comment = true;
    }
    if (!comment) break;
    while (!lexer->eof(lexer) && lexer->lookahead != '\n') advance(lexer);
  }
  if (lexer->eof(lexer)) return true;
  if (!newline) {
    if (!is_word(lexer->lookahead)) return false;
    read_word(lexer, word);
    // An attribute, a block; `route` after a rule is a term like any other.
    while (is_blank(lexer->lookahead)) advance(lexer);
    return lexer->lookahead == '{' || is_assigned(lexer);
  }
  if (lexer->lookahead == ',' || lexer->lookahead == '"') return false;
  if (!is_word(lexer->lookahead)) return true;
  read_word(lexer, word);
  for (unsigned i = 0; i < sizeof(continuations) / sizeof(*continuations); i++) {
    if (strcmp(word, continuations[i]) == 0) return is_assigned(lexer);
  }
  return true;
}

static bool heredoc_open(TSLexer *lexer) {
  while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') skip(lexer);
  if (lexer->lookahead != '<') return false;
  advance(lexer);
  if (lexer->lookahead != '<') return false;
  advance(lexer);
  if (lexer->lookahead == '~') advance(lexer);
  lexer->mark_end(lexer);
  lexer->result_symbol = HEREDOC_OPEN;
  return true;
}

static bool heredoc_tag(Scanner *scanner, TSLexer *lexer) {
  if (scanner->depth == DEPTH_MAX) return false;
  unsigned length = 0;
  char *tag = scanner->tags[scanner->depth];
  while (is_word(lexer->lookahead) && length < TAG_MAX) {
    tag[length++] = (char)lexer->lookahead;
    advance(lexer);
  }
  if (length == 0) return false;
  lexer->mark_end(lexer);
  while (is_blank(lexer->lookahead)) advance(lexer);
  if (lexer->lookahead != '\n') return false;
  scanner->lengths[scanner->depth++] = (uint8_t)length;
  scanner->line_start = false;
  lexer->result_symbol = HEREDOC_TAG;
  return true;
}

// Up to what closes it or is put in; a line's end belongs to the text.
static bool heredoc_text(Scanner *scanner, TSLexer *lexer, bool may_close) {
  bool any = false;
  const char *tag = scanner->tags[scanner->depth - 1];
  unsigned length = scanner->lengths[scanner->depth - 1];
  lexer->result_symbol = HEREDOC_TEXT;
  for (;;) {
    if (scanner->line_start) {
      lexer->mark_end(lexer);
      while (lexer->lookahead == ' ' || lexer->lookahead == '\t') advance(lexer);
      unsigned at = 0;
      while (at < length && lexer->lookahead == tag[at]) {
        advance(lexer);
        at++;
      }
      if (at == length && !is_word(lexer->lookahead)) {
        // Blanks may follow, and what goes on with the value.
        if (!any && may_close) lexer->mark_end(lexer);
        while (is_blank(lexer->lookahead)) advance(lexer);
        int32_t c = lexer->lookahead;
        if (lexer->eof(lexer) || c == '\n' || c == ',' || c == ')' || c == ']' || c == '}') {
          if (any) return true;
          if (!may_close) return false;
          scanner->depth--;
          scanner->line_start = false;
          lexer->result_symbol = HEREDOC_CLOSE;
          return true;
        }
      }
      scanner->line_start = false;
      if (at > 0) any = true;
    }
    if (lexer->eof(lexer)) return false;
    if (lexer->lookahead == '$') {
      lexer->mark_end(lexer);
      advance(lexer);
      if (lexer->lookahead == '{') return any;
      // `$${` stands for itself.
      if (lexer->lookahead == '$') {
        advance(lexer);
        if (lexer->lookahead == '{') advance(lexer);
      }
    } else {
      scanner->line_start = lexer->lookahead == '\n';
      advance(lexer);
    }
    any = true;
    lexer->mark_end(lexer);
  }
}

bool tree_sitter_secnet_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  Scanner *scanner = payload;
  // All at once are wanted only where the parser is lost.
  if (valid[SENTENCE_END] && valid[HEREDOC_OPEN] && valid[HEREDOC_TEXT]) return false;
  if (scanner->depth > 0 && (valid[HEREDOC_TEXT] || valid[HEREDOC_CLOSE])) return heredoc_text(scanner, lexer, valid[HEREDOC_CLOSE]);
  if (valid[HEREDOC_TAG]) return heredoc_tag(scanner, lexer);
  if (valid[SENTENCE_END]) return sentence_end(lexer);
  if (valid[HEREDOC_OPEN]) return heredoc_open(lexer);
  return false;
}
