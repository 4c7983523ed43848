using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Akka.Serialization;

/// <summary>
/// Type names as they stand in configurations and manifests: "Namespace.Type, Assembly", without versions. The assemblies of the
/// official engine stand for this one, so a configuration written for it works here, and the other way round.
/// </summary>
internal static partial class TypeNames
{
    private static readonly Assembly Engine = typeof(TypeNames).Assembly;

    private const int MaxManifest = 1024;

    // Longest first: the first that prefixes a namespace is the assembly that holds it.
    private static readonly string[] Official = ["Akka.Cluster.Tools", "Akka.Cluster", "Akka.Persistence", "Akka.Remote", "Akka"];

    public static string Of(Type type)
    {
        if (type.IsConstructedGenericType)
            return AssemblyDetails().Replace(type.AssemblyQualifiedName!, "");
        return $"{type.FullName}, {AssemblyOf(type)}";
    }

    /// <summary>Whether <paramref name="name"/>, from a configuration, means <paramref name="type"/>. Loads nothing.</summary>
    public static bool Match(string name, Type type)
    {
        if (!name.StartsWith(type.FullName!, StringComparison.Ordinal))
            return false;
        var rest = name.AsSpan(type.FullName!.Length).TrimStart();
        if (rest.IsEmpty)
            return true;
        if (rest[0] != ',')
            return false;
        rest = rest[1..];
        var assembly = (rest.IndexOf(',') is >= 0 and var end ? rest[..end] : rest).Trim();
        return assembly.SequenceEqual(type.Assembly.GetName().Name) || assembly.SequenceEqual(AssemblyOf(type));
    }

    /// <summary>The type of that name among assemblies that are loaded already: a name from the wire must not load any.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only types that some binding covers are used; those are kept.")]
    [UnconditionalSuppressMessage("Trimming", "IL2057", Justification = "Only types that some binding covers are used; those are kept.")]
    public static Type? AmongLoaded(string name)
    {
        if (name.Length > MaxManifest)
            return null;
        try
        {
            return Type.GetType(name, static a => IsEngine(a) ? Engine : Loaded(a), null, throwOnError: false);
        }
        catch (Exception e) when (e is ArgumentException or IOException or TypeLoadException or BadImageFormatException)
        {
            return null;
        }
    }

    private static string? AssemblyOf(Type type)
    {
        if (type.Assembly != Engine)
            return type.Assembly.GetName().Name;
        var space = type.Namespace ?? "";
        return Array.Find(Official, o => space.StartsWith(o, StringComparison.Ordinal) && (space.Length == o.Length || space[o.Length] == '.'));
    }

    private static bool IsEngine(AssemblyName name) => Array.IndexOf(Official, name.Name) >= 0;

    private static Assembly? Loaded(AssemblyName name) =>
        Array.Find(AppDomain.CurrentDomain.GetAssemblies(), a => string.Equals(a.GetName().Name, name.Name, StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@", Version=[^,\]]*|, Culture=[^,\]]*|, PublicKeyToken=[^,\]]*", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AssemblyDetails();
}
