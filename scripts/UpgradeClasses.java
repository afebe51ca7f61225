import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodModel;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies a jar whose classes are of before Java 6 as one of Java 8: no archive takes older ones, and
 * the JVM verifies them by the slow way of then. Nothing but the version and the stack maps that it
 * asks for changes (JVMS 4.10.1).
 */
class UpgradeClasses {
  /** java(1), -Xshare: older ones are loaded from their jar each time. */
  private static final int FIRST_THAT_IS_ARCHIVED = ClassFile.JAVA_6_VERSION;

  public static void main(String[] args) throws IOException {
    Path from = Path.of(args[0]);
    Path to = Path.of(args[1]);
    try (URLClassLoader classes = new URLClassLoader(new URL[] {from.toUri().toURL()});
        ZipFile in = new ZipFile(from.toFile());
        ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(to))) {
      ClassFile format =
          ClassFile.of(
              ClassFile.ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing(classes)
                      .orElse(ClassHierarchyResolver.defaultResolver())));
      for (ZipEntry entry : in.stream().toList()) {
        byte[] bytes = in.getInputStream(entry).readAllBytes();
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setTime(entry.getTime()); // the same bytes whenever it is made
        out.putNextEntry(copy);
        out.write(entry.getName().endsWith(".class") ? upgraded(format, bytes) : bytes);
      }
    }
  }

  private static byte[] upgraded(ClassFile format, byte[] bytes) {
    ClassModel old = format.parse(bytes);
    if (old.majorVersion() >= FIRST_THAT_IS_ARCHIVED) {
      return bytes;
    }
    return format.transformClass(
        old,
        (builder, element) -> {
          switch (element) {
            case ClassFileVersion _ -> builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
            case MethodModel method ->
                builder.transformMethod(
                    method,
                    (copy, part) -> {
                      if (part instanceof CodeModel code) {
                        copy.withCode(code::forEach); // assembled anew, with stack maps
                      } else {
                        copy.with(part);
                      }
                    });
            default -> builder.with(element);
          }
        });
  }
}
