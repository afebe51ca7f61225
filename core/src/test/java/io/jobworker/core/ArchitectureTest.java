package io.jobworker.core;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between the rooms of the library. */
@AnalyzeClasses(packages = "io.jobworker.core", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  /**
   * The front door's values are everybody's; its engine uses the rooms, and no room uses another's.
   */
  @ArchTest
  static final ArchRule roomsUseTheKernelRoomAndValuesOnly =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("process")
          .definedBy("..core.process..")
          .layer("cgroup")
          .definedBy("..core.cgroup..")
          .layer("output")
          .definedBy("..core.output..")
          .layer("store")
          .definedBy("..core.store..")
          .layer("front")
          .definedBy("io.jobworker.core")
          .whereLayer("process")
          .mayOnlyBeAccessedByLayers("front")
          .whereLayer("cgroup")
          .mayOnlyBeAccessedByLayers("front")
          .whereLayer("output")
          .mayOnlyBeAccessedByLayers("front")
          .whereLayer("store")
          .mayOnlyBeAccessedByLayers("front");

  @ArchTest
  static final ArchRule noRoomsNeedOneAnother =
      slices().matching("io.jobworker.core.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule noRoomKnowsTheFrontDoor =
      noClasses()
          .that()
          .resideInAPackage("io.jobworker.core.*..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.jobworker.core");

  @ArchTest
  static final ArchRule nobodyHereCallsNativeCode =
      noClasses().should().dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.Linker");

  @ArchTest
  static final ArchRule valuesKnowNothingButUnitsAndWords =
      noClasses()
          .that()
          .resideInAPackage("io.jobworker.core.job..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("io.jobworker.base..", "java.sql..")
                  .and(
                      resideOutsideOfPackages(
                          "io.jobworker.base.units..", "io.jobworker.base.words..")));

  @ArchTest
  static final ArchRule theLibraryKnowsNothingOfTheWire =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.grpc..", "io.jobworker.api..", "picocli..", "com.google.protobuf..");
}
