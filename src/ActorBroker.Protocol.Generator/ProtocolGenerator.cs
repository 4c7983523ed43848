using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace ActorBroker.Protocol.Generator;

/// <summary>
/// Generates the messages of ActorBroker.Protocol from its schema files: <c>*.api</c>, one API each, become record classes
/// with their codec and an entry in <c>ApiRegistry</c>; <c>errors.txt</c> becomes <c>ErrorCode</c>.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class ProtocolGenerator : IIncrementalGenerator
{
#pragma warning disable RS2008 // no release tracking: the generator is built with its only user
    private static readonly DiagnosticDescriptor SchemaError = new(
        "ABP001", "Protocol schema", "{0}", "ActorBroker.Protocol", DiagnosticSeverity.Error, isEnabledByDefault: true);
#pragma warning restore RS2008

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var apis = context.AdditionalTextsProvider
            .Where(static file => file.Path.EndsWith(".api", StringComparison.Ordinal))
            .Select(Parse);
        context.RegisterSourceOutput(apis, static (output, parsed) => EmitApi(output, parsed));
        context.RegisterSourceOutput(apis.Collect(), static (output, all) => EmitRegistry(output, all));
        var errors = context.AdditionalTextsProvider
            .Where(static file => Path.GetFileName(file.Path) == "errors.txt");
        context.RegisterSourceOutput(errors, static (output, file) => EmitErrors(output, file));
    }

    private sealed record Parsed(Api? Api, string Path, int Line, string Error);

    private static Parsed Parse(AdditionalText file, CancellationToken cancel)
    {
        try
        {
            return new Parsed(SchemaParser.Parse(file.GetText(cancel)?.ToString() ?? ""), file.Path, 0, "");
        }
        catch (SchemaException e)
        {
            return new Parsed(null, file.Path, e.Line, e.Message);
        }
    }

    private static void EmitApi(SourceProductionContext output, Parsed parsed)
    {
        if (parsed.Api is { } api)
            output.AddSource(api.Name + ".g.cs", SourceText.From(MessageEmitter.Emit(api), Encoding.UTF8));
        else
            Report(output, parsed.Path, parsed.Line, parsed.Error);
    }

    private static void EmitRegistry(SourceProductionContext output, ImmutableArray<Parsed> all)
    {
        var apis = all.Where(p => p.Api is not null).Select(p => p.Api!);
        output.AddSource("ApiRegistry.g.cs", SourceText.From(RegistryEmitter.Emit(apis), Encoding.UTF8));
    }

    private static void EmitErrors(SourceProductionContext output, AdditionalText file)
    {
        try
        {
            var text = file.GetText(output.CancellationToken)?.ToString() ?? "";
            output.AddSource("ErrorCode.g.cs", SourceText.From(ErrorCodeEmitter.Emit(text), Encoding.UTF8));
        }
        catch (SchemaException e)
        {
            Report(output, file.Path, e.Line, e.Message);
        }
    }

    private static void Report(SourceProductionContext output, string path, int line, string message)
    {
        var at = new LinePosition(line, 0);
        var location = Location.Create(path, new TextSpan(0, 0), new LinePositionSpan(at, at));
        output.ReportDiagnostic(Diagnostic.Create(SchemaError, location, message));
    }
}
