/** The only room that speaks to the kernel: every native binding stands in this package. */
@NullMarked
package io.jobworker.base.linux;

import org.jspecify.annotations.NullMarked;
