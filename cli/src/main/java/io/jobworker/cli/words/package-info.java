/** The splitting of a command into words, as a shell does it. */
@NullMarked
package io.jobworker.cli.words;

import org.jspecify.annotations.NullMarked;
