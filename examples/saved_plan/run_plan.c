// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
// Runs a saved plan, in forty lines: run_plan plan.json. It takes any text that plan_from_text of
// the library accepts, however spaced and ordered, and trusts that it was accepted; only escapes
// in names, which no writer needs, are not undone. An instruction is an array that begins with its
// name, and no other text in a plan is such a name: so it looks for names and skips the rest.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

static double registers[38][size];  // by letter, from e to z, then m0 ... m15
static char word[16];               // what stood in the quotes that were read last

static int read_word(FILE* f) { return fscanf(f, "%*[^\"]\"%15[^\"]\"", word) == 1; }
static double* named(void) { return registers[*word == 'm' ? 22 + atoi(word + 1) : *word - 'e']; }
static int read_registers(FILE* f, double** list) {
  int n = 0;
  if (read_word(f)) list[n++] = named();
  while (fscanf(f, " , \"%15[^\"]\"", word) == 1) list[n++] = named();
  return n;
}
static double read_number(FILE* f) {
  double number = 0;
  return fscanf(f, "%*[^-0123456789]%lf", &number) == 1 ? number : 0;
}

int main(int argc, char** argv) {
  FILE* f = argc == 2 ? fopen(argv[1], "r") : NULL;
  double *to[3], *from[8], sums[3][size], version = 0;
  normal_numbers(0, registers['x' - 'e']);
  while (f && read_word(f)) {
    if (!strcmp(word, "version")) version = read_number(f);
    if (!strcmp(word, "correct") && read_word(f)) clip(named());
    if (!strcmp(word, "draw")) normal_numbers(1 + (unsigned)read_number(f), registers['z' - 'e']);
    if (!strcmp(word, "evaluate") && read_registers(f, from) == 2) {
      while (strcmp(word, "timestep") && read_word(f)) continue;
      network(from[1], read_number(f), from[0]);
    } else if (!strcmp(word, "combine")) {
      const int rows = read_registers(f, to), columns = read_registers(f, from);
      for (int i = 0; i < rows * columns; ++i) {
        double *sum = sums[i / columns], *x = from[i % columns], weight = read_number(f);
        for (int k = 0; k < size; ++k)
          sum[k] = i % columns ? fma(weight, x[k], sum[k]) : weight * x[k];
      }
      for (int i = 0; i < rows; ++i) memcpy(to[i], sums[i], sizeof sums[i]);
    }
  }
  if (version == 2) print_sample(registers['x' - 'e']);
  return version != 2;
}
