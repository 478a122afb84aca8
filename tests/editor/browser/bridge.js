// Serves the page, and one `secnet lsp` for each page that opens, on a free port of loopback.

import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

import { WebSocketServer } from "ws";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm" };

/** What a language server writes: each message after a header with its length. */
function* messages(pending) {
    for (;;) {
        const head = pending.bytes.indexOf("\r\n\r\n");
        if (head < 0) return;
        const length = Number(/Content-Length: (\d+)/i.exec(pending.bytes.subarray(0, head).toString())[1]);
        const start = head + 4;
        if (pending.bytes.length < start + length) return;
        yield pending.bytes.subarray(start, start + length).toString();
        pending.bytes = pending.bytes.subarray(start + length);
    }
}

function serve(socket, secnet, directory, seen) {
    const server = spawn(secnet, ["lsp"], { cwd: directory, stdio: ["pipe", "pipe", "inherit"] });
    const pending = { bytes: Buffer.alloc(0) };
    server.stdout.on("data", (chunk) => {
        pending.bytes = Buffer.concat([pending.bytes, chunk]);
        for (const message of messages(pending)) {
            seen.push(JSON.parse(message));
            socket.send(message);
        }
    });
    socket.on("message", (data) => {
        const bytes = Buffer.from(data.toString());
        server.stdin.write(`Content-Length: ${bytes.length}\r\n\r\n`);
        server.stdin.write(bytes);
    });
    socket.on("close", () => server.stdin.end());
    server.on("exit", () => socket.close());
}

/** The page's address, what servers have said, and how to end it all. */
export async function bridge({ site, secnet, directory, project }) {
    const seen = [];
    const http = createServer(async (request, response) => {
        const asked = normalize(new URL(request.url, "http://localhost").pathname);
        const path = asked === "/" ? "/index.html" : asked;
        try {
            const body = path === "/project.json" ? JSON.stringify(await project()) : await readFile(join(site, path));
            response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" });
            response.end(body);
        } catch {
            response.writeHead(404).end();
        }
    });
    const sockets = new WebSocketServer({ server: http, path: "/lsp" });
    sockets.on("connection", (socket) => serve(socket, secnet, directory, seen));
    await new Promise((done) => http.listen(0, "127.0.0.1", done));
    const close = () => {
        sockets.clients.forEach((socket) => socket.terminate());
        http.close();
        http.closeAllConnections();
    };
    return { url: `http://127.0.0.1:${http.address().port}/`, seen, close };
}
