using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Actors;

/// <summary>The user ended the command before there was a run.</summary>
public sealed class NotBegunException(string cause, string remedy) : ReportedException(cause, remedy);
