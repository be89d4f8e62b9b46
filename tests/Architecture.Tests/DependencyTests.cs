using System.Reflection;
using System.Text.RegularExpressions;
using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Worker.Core;

namespace Distributed.Architecture.Tests;

/// <summary>Who may know whom.</summary>
public sealed partial class DependencyTests
{
    /// <summary>Namespaces that do input and output, or run at another time or in another order.</summary>
    private static readonly string[] s_impure =
        ["System.IO", "System.Net", "System.Threading", "System.Timers", "Microsoft.AspNetCore", "Akka"];

    /// <summary>The coordinator's folders from the top down; those of one line may know each other.</summary>
    private static readonly string[][] s_levels =
    [
        ["Commands"],
        ["Reports"],
        ["Experiments"],
        ["Actors"],
        ["Runs", "Pictures", "Http"],
        ["Core"],
    ];

    [Theory]
    [InlineData(typeof(ReductionTree), "")]
    [InlineData(typeof(Invariant), "Distributed.Framework")]
    [InlineData(typeof(WorkerMachine), "Distributed.Framework Distributed.Protocol")]
    [InlineData(typeof(CoordinatorMachine), "Distributed.Framework Distributed.Protocol worker Distributed.Worker")]
    public void Assemblies_KnowOnlyThoseBelowThem(Type member, string allowed)
    {
        string[] ours = [.. member.Assembly.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => name is "worker" or "coordinator"
                || name.StartsWith("Distributed.", StringComparison.Ordinal))];
        Assert.Empty(ours.Except(allowed.Split(' ')));
    }

    [Fact]
    public void Framework_ReferencesTheRuntimeAndZstandardAlone() =>
        Assert.All(
            typeof(ReductionTree).Assembly.GetReferencedAssemblies().Where(name => name.Name != "ZstdSharp"),
            name => Assert.StartsWith("System.", name.Name, StringComparison.Ordinal));

    /// <summary>
    /// Goal: machines are pure. Method: the types of fields, parameters and locals of their namespaces.
    /// </summary>
    [Theory]
    [InlineData(typeof(CoordinatorMachine), "Distributed.Coordinator.Core")]
    [InlineData(typeof(WorkerMachine), "Distributed.Worker.Core")]
    [InlineData(typeof(Invariant), "Distributed.Protocol.Machines")]
    [InlineData(typeof(Invariant), "Distributed.Protocol.Messages")]
    public void PureNamespaces_UseNoImpureType(Type member, string name)
    {
        Type[] types = [.. member.Assembly.GetTypes().Where(type => IsWithin(type.Namespace, name))];
        Assert.NotEmpty(types);
        List<string> faults = [];
        foreach (Type type in types)
        {
            faults.AddRange(UsedTypes(type).Where(used => Array.Exists(s_impure, bad => IsWithin(used.Namespace, bad)))
                .Select(used => $"{type} uses {used}"));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults.Distinct()));
    }

    /// <summary>What is said is about shards and nodes of the tree, and nothing else of the framework.</summary>
    [Fact]
    public void Protocol_KnowsOnlyTheFrameworksIdentifiers()
    {
        Assembly framework = typeof(ReductionTree).Assembly;
        Type[] used = [.. typeof(Invariant).Assembly.GetTypes()
            .SelectMany(UsedTypes)
            .Select(type => type.IsByRef ? type.GetElementType()! : type)
            .Where(type => type.Assembly == framework)
            .Distinct()];
        Assert.Empty(used.Except([typeof(TreeNode), typeof(ShardRange)]));
    }

    [Theory]
    [InlineData("Coordinator/Core")]
    [InlineData("Worker/Core")]
    [InlineData("Protocol/Machines")]
    [InlineData("Protocol/Messages")]
    public void PureFolders_NameNothingImpure(string folder)
    {
        Regex impure = new(@"\b(System\.(IO|Net|Threading|Timers)|Akka|async|await|lock|DateTime|Stopwatch|Random)\b");
        Assert.NotEmpty(Sources.Files(folder));
        Assert.All(Sources.Files(folder), name => Assert.DoesNotMatch(impure, Sources.Code(name)));
    }

    [Fact]
    public void Framework_And_Protocol_NameNobodyElse()
    {
        Assert.All(Sources.Files("Framework"), name => Assert.DoesNotMatch(NotFramework(), Sources.Code(name)));
        Assert.All(Sources.Files("Protocol"), name => Assert.DoesNotMatch(NotProtocol(), Sources.Code(name)));
        Assert.All(
            Sources.Files("Worker"), name => Assert.DoesNotContain("Distributed.Coordinator", Sources.Code(name)));
    }

    [Fact]
    public void Coordinator_NamesTheWorkerInOneFileAtMost()
    {
        string[] files = [.. Sources.Files("Coordinator")
            .Where(name => Sources.Code(name).Contains("Distributed.Worker", StringComparison.Ordinal))];
        Assert.True(files.Length <= 1, string.Join('\n', files));
    }

    /// <summary>
    /// Goal: no folder of the coordinator knows one above it. Method: what its sources name, after "using" or in full.
    /// </summary>
    [Fact]
    public void Coordinator_FoldersNameOnlyThoseBesideAndBelowThem()
    {
        string[] folders = [.. Sources.Files("Coordinator").Select(name => name.Split('/'))
            .Where(parts => parts.Length > 2).Select(parts => parts[1]).Distinct()];
        Assert.Empty(folders.Except(s_levels.SelectMany(level => level)));
        List<string> faults = [];
        for (int level = 0; level < s_levels.Length; level++)
        {
            string above = string.Join('|', s_levels.Take(level).SelectMany(names => names));
            Regex upward = new($@"\bCoordinator\.({above})\b|(?<![\w.])({above})\.[A-Z]");
            faults.AddRange(level == 0 ? [] : s_levels[level]
                .SelectMany(folder => Sources.Files($"Coordinator/{folder}"))
                .Where(name => upward.IsMatch(Sources.Code(name)))
                .Select(name => $"{name} names {upward.Match(Sources.Code(name)).Value}, which is above it"));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [GeneratedRegex(@"Distributed\.(?!Framework)\w+")]
    private static partial Regex NotFramework();

    [GeneratedRegex(@"Distributed\.(?!Protocol|Framework\.Training)\w+")]
    private static partial Regex NotProtocol();

    private static bool IsWithin(string? name, string outer) =>
        name == outer || (name?.StartsWith(outer + ".", StringComparison.Ordinal) ?? false);

    private static IEnumerable<Type> UsedTypes(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
            | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (FieldInfo field in type.GetFields(All))
        {
            yield return field.FieldType;
        }

        foreach (MethodBase method in type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)))
        {
            foreach (ParameterInfo parameter in method.GetParameters())
            {
                yield return parameter.ParameterType;
            }

            foreach (LocalVariableInfo local in method.GetMethodBody()?.LocalVariables ?? [])
            {
                yield return local.LocalType;
            }
        }
    }
}
