/** What is done again and again, and on which threads. */
@NullMarked
package io.jobworker.server.timing;

import org.jspecify.annotations.NullMarked;
