/** The words of the operating system, which are bytes, as Java's strings. */
@NullMarked
package io.jobworker.base.words;

import org.jspecify.annotations.NullMarked;
