;;; adapter_check.el --- Drives pywasmgk debug --dap by Emacs's dap-mode.  -*- lexical-binding: t -*-

;; emacs --batch --load adapter_check.el CONFIG.json
;;
;; CONFIG has what tools/adapter-check prepares: python, cwd, folder, wat.  Prints one line of JSON:
;; the steps that passed, or the failure with what was asked for.  Exit code 3 without dap-mode.

(require 'json)
(require 'package)
(require 'cl-lib)
(setq lsp-session-file (make-temp-name "/nonexistent/") make-backup-files nil
      dap-auto-configure-features nil enable-local-variables nil)
(package-initialize)
(unless (and (require 'dap-mode nil t) (require 'dap-ui nil t)) (kill-emacs 3))

(defvar check-config
  (let ((json-object-type 'hash-table) (json-key-type 'string))
    (json-read-file (car command-line-args-left))))
(setq command-line-args-left nil)
(defvar check-passed nil "The steps that passed, the latest first.")
(defvar check-seconds 60 "How long something may take.")
(defun check-told (key) "What the configuration says of KEY." (gethash key check-config))

(defun check-wait (what found)
  "Wait until FOUND gives something, and give that; an error that it is WHAT fails otherwise."
  (let ((end (+ (float-time) check-seconds)) (value nil))
    (while (and (not (setq value (funcall found))) (< (float-time) end))
      (accept-process-output nil 0.05))
    (or value (error "Waited in vain: %s" what))))

(defun check-equal (what wanted found)
  "Fail unless FOUND is WANTED, of WHAT."
  (unless (equal wanted found) (error "%s: %S instead of %S" what found wanted)))

(defun check-passed (step) "Take note of a STEP that passed." (push step check-passed))

(defun check-ask (session command arguments)
  "The body that SESSION answers COMMAND with ARGUMENTS with."
  (let ((answer nil))
    (dap--send-message (dap--make-request command arguments)
                       (lambda (message) (setq answer message)) session)
    (gethash "body" (check-wait command (lambda () answer)) t)))

(defun check-frame (session)
  "The frame that SESSION shows once it has stopped."
  (check-wait "a frame" (lambda () (dap--debug-session-active-frame session))))

(defun check-line (session) "The line that SESSION shows." (gethash "line" (check-frame session)))

(defun check-steps ()
  "Debug the program from the beginning to its trap, and back."
  (setq lsp--session (make-lsp-session) dap-breakpoints-file (concat (check-told "folder") "/stops")
        dap-auto-show-output nil)
  (setenv "PYTHONPATH" (check-told "cwd"))
  (dap-register-debug-provider "pywasmgk" #'identity)
  (find-file (check-told "wat"))
  (lsp-workspace-folders-add (check-told "folder"))
  (goto-char (point-min))
  (forward-line 12)
  (dap-breakpoint-add)
  (cl-letf (((symbol-function 'read-string) (lambda (&rest _) "n == 2")))
    (call-interactively #'dap-breakpoint-condition))
  (dap-debug (list :type "pywasmgk" :request "launch" :name "sum" :program (check-told "wat")
                   :export "sum" :args ["3"]
                   :dap-server-path (list (check-told "python") "-m" "pywasmgk" "debug" "--dap")))
  (let ((session (dap--cur-session)))
    (check-equal "where it stops" 13 (check-line session))
    (check-equal "the function" "sum" (gethash "name" (check-frame session)))
    (check-passed "a breakpoint with a condition")
    (check-equal "n" "2" (gethash "result" (check-ask session "evaluate" (list :expression "n"))))
    (let* ((id (gethash "id" (check-frame session)))
           (scopes (gethash "scopes" (check-ask session "scopes" (list :frameId id))))
           (locals (gethash "variablesReference" (car scopes)))
           (names (check-ask session "variables" (list :variablesReference locals))))
      (check-equal "locals" '("$n" "$total")
                   (mapcar (lambda (one) (gethash "name" one)) (gethash "variables" names))))
    (check-passed "values")
    (dap-step-in session)
    (check-equal "the callee" "double" (gethash "name" (check-frame session)))
    (dap-step-out session)
    (check-equal "the caller" "sum" (gethash "name" (check-frame session)))
    (check-passed "steps")
    (dap--step "stepBack" session)
    (check-frame session)
    (dap--step "reverseContinue" session)
    (check-frame session)
    (check-passed "back")
    (find-file (check-told "wat"))
    (goto-char (point-min))
    (forward-line 12)
    (call-interactively #'dap-breakpoint-delete)
    (dap-continue session 1)
    (check-wait "the trap" (lambda () (equal "exception" (gethash 1 (dap--debug-session-thread-states session)))))
    (check-equal "where it traps" 16 (check-line session))
    (check-passed "a trap")
    (check-wait "output" (lambda () (with-current-buffer (dap--debug-session-output-buffer session)
                                      (string-match-p "hi" (buffer-string)))))
    (check-passed "output")
    (dap-disconnect session)
    (check-wait "the end" (lambda () (not (process-live-p (dap--debug-session-proc session)))))
    (check-passed "disconnecting")))

(let ((code 0) (report nil))
  (condition-case failure (check-steps)
    (error (setq code 1 report (list (cons "error" (error-message-string failure))))))
  (princ (json-encode (cons (cons "emacs" (vconcat (reverse check-passed))) report)))
  (terpri)
  (kill-emacs code))
