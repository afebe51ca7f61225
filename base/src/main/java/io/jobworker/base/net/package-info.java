/** Where services are, as people write it. */
@NullMarked
package io.jobworker.base.net;

import org.jspecify.annotations.NullMarked;
