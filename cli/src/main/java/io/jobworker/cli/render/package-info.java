/** What a person, or a script, gets to read. */
@NullMarked
package io.jobworker.cli.render;

import org.jspecify.annotations.NullMarked;
