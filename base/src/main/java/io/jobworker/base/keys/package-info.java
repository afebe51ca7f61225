/** Private keys and the certificates that they belong to. */
@NullMarked
package io.jobworker.base.keys;

import org.jspecify.annotations.NullMarked;
