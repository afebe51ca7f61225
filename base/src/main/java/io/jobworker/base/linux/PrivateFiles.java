package io.jobworker.base.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Collections;
import java.util.Set;

/** The modes that everything of the service is created with, and what is nobody else's. */
public final class PrivateFiles {
  /** 0600. */
  public static final FileAttribute<Set<PosixFilePermission>> FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** 0700. */
  public static final FileAttribute<Set<PosixFilePermission>> DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private static final Set<PosixFilePermission> OTHERS_WRITE =
      Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  private PrivateFiles() {}

  /** Whether nobody but this process's user, or root, can put anything into that directory. */
  public static boolean isOwn(Path directory) throws IOException {
    PosixFileAttributes attributes =
        Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    UserPrincipal self =
        Files.readAttributes(Path.of("/proc/self"), PosixFileAttributes.class).owner();
    return attributes.isDirectory()
        && Collections.disjoint(attributes.permissions(), OTHERS_WRITE)
        && (attributes.owner().equals(self) || attributes.owner().getName().equals("root"));
  }
}
