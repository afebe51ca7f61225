import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Packs jars anew, in place: without the native libraries of other machines, and not compressed,
 * so that a package is compressed as a whole, to half the size. What is in an entry stays as it is,
 * and so do the order of the entries and what they are signed with.
 */
class RepackJars {
  /** As sqlite-jdbc and netty call the machine that we are on. */
  private record Machine(String sqlite, String netty) {
    static Machine current() {
      return switch (System.getProperty("os.arch")) {
        case "amd64" -> new Machine("x86_64", "x86_64");
        case "aarch64" -> new Machine("aarch64", "aarch_64");
        case String other -> throw new IllegalStateException("no native libraries for " + other);
      };
    }

    boolean wants(String name) {
      if (name.startsWith("org/sqlite/native/") && !name.endsWith("/")) {
        return name.startsWith("org/sqlite/native/Linux/" + sqlite + "/");
      }
      if (name.startsWith("META-INF/native/") && !name.endsWith("/")) {
        return name.endsWith(netty + ".so");
      }
      return true;
    }
  }

  public static void main(String[] jars) throws IOException {
    for (String jar : jars) {
      repack(Path.of(jar), Machine.current());
    }
  }

  private static void repack(Path jar, Machine machine) throws IOException {
    Path fresh = jar.resolveSibling(jar.getFileName() + ".new");
    try (ZipFile in = new ZipFile(jar.toFile());
        ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(fresh))) {
      for (ZipEntry entry : in.stream().filter(each -> machine.wants(each.getName())).toList()) {
        byte[] bytes = in.getInputStream(entry).readAllBytes();
        CRC32 sum = new CRC32();
        sum.update(bytes);
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setTime(entry.getTime());
        copy.setMethod(ZipEntry.STORED);
        copy.setSize(bytes.length);
        copy.setCrc(sum.getValue());
        out.putNextEntry(copy);
        out.write(bytes);
      }
    }
    Files.move(fresh, jar, StandardCopyOption.REPLACE_EXISTING);
  }
}
