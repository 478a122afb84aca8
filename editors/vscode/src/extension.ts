// Starts `secnet lsp` and shows what it says. All that is known of networks is in the server.

import { homedir } from "node:os";

import { type ExtensionContext, type LogOutputChannel, Uri, commands, env, window, workspace } from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions, TransportKind } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

/** The program and what it is started with, as the settings have it. */
function server(): ServerOptions {
    const settings = workspace.getConfiguration("secnet");
    const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    const path = settings.get<string>("path", "secnet").replace("${workspaceFolder}", folder).replace(/^~(?=[/\\])/, homedir());
    const args = ["lsp", ...settings.get<string[]>("arguments", [])];
    return { command: path, args, transport: TransportKind.stdio, options: folder ? { cwd: folder } : {} };
}

async function start(output: LogOutputChannel): Promise<void> {
    const options: LanguageClientOptions = {
        documentSelector: [{ scheme: "file", language: "secnet" }],
        synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{secnet,vars,json,yaml,yml}") },
        outputChannel: output,
        middleware: {
            // The page of a code is one of the manual's, which are for a browser.
            handleDiagnostics(uri, diagnostics, next) {
                for (const { code } of diagnostics) {
                    if (typeof code === "object" && code.target.scheme === "file") {
                        code.target = Uri.parse(`command:secnet.explain?${encodeURIComponent(JSON.stringify([code.target.toString()]))}`);
                    }
                }
                next(uri, diagnostics);
            },
        },
    };
    client = new LanguageClient("secnet", "secnet", server(), options);
    try {
        await client.start();
    } catch (error) {
        client = undefined;
        output.error(String(error));
        const chosen = await window.showErrorMessage(`secnet does not start: ${String(error)}`, "Open the setting");
        if (chosen !== undefined) {
            await commands.executeCommand("workbench.action.openSettings", "secnet.path");
        }
    }
}

async function stop(): Promise<void> {
    const old = client;
    client = undefined;
    await old?.stop();
}

export async function activate(context: ExtensionContext): Promise<void> {
    const output = window.createOutputChannel("secnet", { log: true });
    // One after the other: two servers would say everything twice.
    let last = Promise.resolve();
    const restart = () => (last = last.then(stop).then(() => start(output)));
    context.subscriptions.push(
        output,
        commands.registerCommand("secnet.restart", restart),
        commands.registerCommand("secnet.explain", (page: string) => env.openExternal(Uri.parse(page))),
        workspace.onDidGrantWorkspaceTrust(restart),
        workspace.onDidChangeConfiguration((change) => {
            if (change.affectsConfiguration("secnet.path") || change.affectsConfiguration("secnet.arguments")) {
                void restart();
            }
        }),
    );
    if (workspace.isTrusted) {
        await restart();
    }
}

export async function deactivate(): Promise<void> {
    await stop();
}
