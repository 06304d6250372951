;; tests/dropin/guile_compile.scm: Guile's compiler, on sources of its own. SPDX-License-Identifier: MIT
;;
;; usage: guile guile_compile.scm FILE...: NAME.go for each, here; what is in
;; them must not depend on the library.
(use-modules (system base compile) (srfi srfi-1))

(define (object-file source) (string-append (basename source ".scm") ".go"))
(for-each
 (lambda (name)
   (let ((source (or (%search-load-path name) name)))
     (compile-file source #:output-file (object-file source) #:opts '())
     (display name)
     (newline)))
 (cdr (command-line)))

;; Programs made at run time: each is compiled, run, and dropped.
(define (program n)
  `(let loop ((i 0) (made '()))
     (if (= i ,n)
         (apply + made)
         (loop (+ i 1) (cons (vector-length (make-vector i ',n)) made)))))
(display (fold + 0 (map (lambda (n) (compile (program n) #:env (current-module))) (iota 60))))
(newline)
(display "end\n")
